import type { Pod } from '../../cluster/resources.ts';
import { podReady, type StatefulSet } from '../../cluster/workload-resources.ts';
import type { PodTemplate, ShardsConfig } from './config.ts';
import { type Marks, readMarks, writeMarks } from './marks.ts';
import { ordinalOf } from './names.ts';
import { hashOf, type StatefulSetState } from './objects.ts';
import { type KnownTemplate, nextRolloutStep, type PodView, type RolloutStep } from './rollout.ts';
import { nextScalingStep, type ScalingStep } from './scaling.ts';
import { type PlannedLoad, podsFor } from './sizing.ts';

export interface WorkloadInput {
  readonly config: ShardsConfig;
  /** As the API server has it. */
  readonly found: StatefulSet | undefined;
  readonly pods: readonly Pod[];
  readonly load: PlannedLoad;
  readonly errors: { readonly canary: number; readonly others: number } | undefined;
  /** Nothing names the pod that leaves any more, and its spool is empty. */
  readonly empty: boolean;
  /** Since when, milliseconds since the epoch; see the steps. */
  readonly idleSince: number | undefined;
  readonly progressAt: number;
  readonly allDownAt: number;
  readonly now: number;
}

export interface WorkloadEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: NonNullable<RolloutStep['event'] | ScalingStep['event']>['reason'];
  readonly message: string;
}

export interface WorkloadStep {
  readonly state: StatefulSetState;
  readonly marks: Marks;
  readonly events: readonly WorkloadEvent[];
}

/** What the StatefulSet should be next: rollout and size together, in one write. Pure. */
export function nextWorkload(input: WorkloadInput): WorkloadStep {
  const { config, found, load, now } = input;
  const wanted = knownTemplate(config.template);
  if (found === undefined) {
    const marks = { template: wanted.hash, good: undefined, rollout: undefined, leaving: undefined };
    return step(podsFor(load, config), 0, wanted, marks, []);
  }
  const marks = readMarks(found);
  const replicas = found.spec.replicas ?? 1;
  const rollout = nextRolloutStep({
    wanted,
    current: currentTemplate(marks, wanted),
    replicas,
    state: marks.rollout,
    good: marks.good,
    observed: found.status?.observedGeneration === found.metadata.generation,
    pods: podViews(config.name, found, input.pods),
    errors: input.errors,
    progressAt: input.progressAt,
    allDownAt: input.allDownAt,
    now,
    config: config.rollout,
  });
  const scaling = nextScalingStep({
    replicas,
    leaving: marks.leaving?.from,
    leavingSince: marks.leaving?.since ?? now,
    load,
    config,
    idleSince: input.idleSince,
    empty: input.empty,
    rollingOut: rollout.state !== undefined && rollout.state.phase !== 'Stopped',
    now,
  });
  const leaving =
    scaling.leaving === undefined
      ? undefined
      : { from: scaling.leaving, since: scaling.leaving === marks.leaving?.from ? marks.leaving.since : now };
  const events: WorkloadEvent[] = [];
  if (rollout.event !== undefined) events.push(rollout.event);
  if (scaling.event !== undefined) events.push({ type: 'Normal', ...scaling.event });
  const next = { template: rollout.apply.hash, good: rollout.good, rollout: rollout.state, leaving };
  // The pod that is watched stays the last one: sizes change after it, or its partition with them.
  const partition = rollout.partition === 0 ? 0 : Math.max(0, Math.min(rollout.partition, scaling.replicas - 1));
  return step(scaling.replicas, partition, rollout.apply, next, events);
}

/** How the pods of a StatefulSet stand, by ordinal. */
export function podViews(name: string, found: StatefulSet, pods: readonly Pod[]): PodView[] {
  return pods.flatMap((pod): PodView[] => {
    const ordinal = ordinalOf(name, pod.metadata.name);
    if (ordinal === undefined || ordinal >= (found.spec.replicas ?? 1)) return [];
    const updated = pod.metadata.labels?.['controller-revision-hash'] === found.status?.updateRevision;
    const restarts = (pod.status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0);
    const ready = podReady(pod) && pod.metadata.deletionTimestamp === undefined;
    return [{ ordinal, updated, ready, restarts }];
  });
}

export function knownTemplate(template: PodTemplate): KnownTemplate {
  return { hash: hashOf(template), template };
}

/** The template that the StatefulSet has; what is neither of the known ones is on its way out, and only its hash matters. */
function currentTemplate({ template, good }: Marks, wanted: KnownTemplate): KnownTemplate {
  if (template === wanted.hash) return wanted;
  if (template === good?.hash) return good;
  return { hash: template, template: wanted.template };
}

function step(
  replicas: number,
  partition: number,
  { template }: KnownTemplate,
  marks: Marks,
  events: readonly WorkloadEvent[],
): WorkloadStep {
  return { state: { replicas, partition, template, annotations: writeMarks(marks) }, marks, events };
}
