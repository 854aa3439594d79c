import type { PodTemplate, ShardsConfig } from './config.ts';

/** A pod template with the hash that it is known by. */
export interface KnownTemplate {
  readonly hash: string;
  readonly template: PodTemplate;
}

/**
 * How a changed template is being rolled out; kept on the StatefulSet, so that a new leader goes on with it.
 * `Canary`: the last pod gets it. `Watching`: that pod is Ready, and watched. `Rolling`: the others get it, one by one.
 * `Stopped`: it was bad; the pods have the last good one, until the configuration says another.
 */
export interface RolloutState {
  readonly hash: string;
  readonly phase: 'Canary' | 'Watching' | 'Rolling' | 'Stopped';
  /** When the phase began, milliseconds since the epoch. */
  readonly since: number;
  /** Restarts of the last pod's containers when the watch began. */
  readonly restarts?: number;
  /** Why it was stopped. */
  readonly message?: string;
}

export interface PodView {
  readonly ordinal: number;
  /** It was made from the template that the StatefulSet has now. */
  readonly updated: boolean;
  readonly ready: boolean;
  readonly restarts: number;
}

export interface RolloutInput {
  /** What the configuration says. */
  readonly wanted: KnownTemplate;
  /** What the StatefulSet has now; its partition. */
  readonly current: KnownTemplate;
  readonly replicas: number;
  readonly state: RolloutState | undefined;
  /** The last one with which every pod was Ready. */
  readonly good: KnownTemplate | undefined;
  /** The StatefulSet's controller has seen its newest generation. */
  readonly observed: boolean;
  readonly pods: readonly PodView[];
  /** Errors a minute since the watch began: of the last pod, and on average of the others; undefined while unknown. */
  readonly errors: { readonly canary: number; readonly others: number } | undefined;
  /** Since when no further pod has become updated and Ready, milliseconds since the epoch. */
  readonly progressAt: number;
  /**
   * When it was last so that none of the pods with the former template was Ready, milliseconds since the epoch: what all
   * suffer from, as from a Redis that is away, speaks against no template.
   */
  readonly allDownAt: number;
  readonly now: number;
  readonly config: ShardsConfig['rollout'];
}

export interface RolloutStep {
  readonly apply: KnownTemplate;
  /** Pods below it keep the former template. */
  readonly partition: number;
  readonly state: RolloutState | undefined;
  readonly good: KnownTemplate | undefined;
  /** What is news. */
  readonly event?: {
    readonly type: 'Normal' | 'Warning';
    readonly reason: 'RolloutStarted' | 'RolloutContinues' | 'RolloutDone' | 'RolloutStopped';
    readonly message: string;
  };
}

/** The next step of a rollout. Pure. */
export function nextRolloutStep(input: RolloutInput): RolloutStep {
  const { wanted, current, state, good, now, replicas } = input;
  // Stopped without a good one to go back to: the others keep what they have.
  const held = state?.phase === 'Stopped' && good === undefined ? Math.max(0, replicas - 1) : 0;
  const steady = { apply: current, partition: held, state, good };
  if (state?.phase === 'Stopped' && state.hash === wanted.hash) return steady;
  if (state === undefined || state.hash !== wanted.hash) {
    if (wanted.hash === current.hash) return settle(input);
    return {
      apply: wanted,
      partition: Math.max(0, replicas - 1),
      state: { hash: wanted.hash, phase: 'Canary', since: now },
      good,
      event: {
        type: 'Normal',
        reason: 'RolloutStarted',
        message: `pod ${replicas - 1} gets the changed template first`,
      },
    };
  }
  // Somebody else changed the template: it is ours.
  if (wanted.hash !== current.hash) return { ...steady, apply: wanted, partition: partitionOf(input) };
  return advance(input, state);
}

/** No rollout is on: a template with which every pod is Ready is a good one. */
function settle(input: RolloutInput): RolloutStep {
  const { current, good } = input;
  const proven = good?.hash !== current.hash && allUpdated(input);
  return { apply: current, partition: 0, state: undefined, good: proven ? current : good };
}

function advance(input: RolloutInput, state: RolloutState): RolloutStep {
  const { current, good, now, config, replicas, observed, pods } = input;
  const stay = { apply: current, partition: partitionOf(input), state, good };
  const canary = pods.find(({ ordinal }) => ordinal === replicas - 1);
  const up = observed && canary?.updated === true && canary.ready ? canary : undefined;
  switch (state.phase) {
    case 'Canary':
      if (up !== undefined) {
        return { ...stay, state: { ...state, phase: 'Watching', since: now, restarts: up.restarts } };
      }
      if (now - Math.max(state.since, input.allDownAt) <= config.readySeconds * 1000) return stay;
      return stopped(input, `pod ${replicas - 1} was not Ready within ${config.readySeconds} s`);
    case 'Watching': {
      if (up === undefined && now - input.allDownAt <= config.readySeconds * 1000) return stay;
      const trouble = troubleOf(input, state, up);
      if (trouble !== undefined) return stopped(input, trouble);
      if (now - state.since < config.watchSeconds * 1000) return stay;
      const message = `pod ${replicas - 1} has done well for ${config.watchSeconds} s; the others follow`;
      return {
        ...stay,
        partition: 0,
        state: { hash: state.hash, phase: 'Rolling', since: now },
        event: { type: 'Normal', reason: 'RolloutContinues', message },
      };
    }
    case 'Rolling': {
      if (allUpdated(input)) {
        const event = {
          type: 'Normal',
          reason: 'RolloutDone',
          message: `all ${replicas} pods have the template`,
        } as const;
        return { apply: current, partition: 0, state: undefined, good: current, event };
      }
      const since = Math.max(state.since, input.progressAt, input.allDownAt);
      if (now - since <= config.readySeconds * 1000) return stay;
      return stopped(input, `no further pod was Ready within ${config.readySeconds} s`);
    }
    case 'Stopped':
      return stay;
  }
}

/** What speaks against the pod that is watched. */
function troubleOf({ replicas, errors, config }: RolloutInput, state: RolloutState, pod: PodView | undefined) {
  const name = `pod ${replicas - 1}`;
  if (pod === undefined) return `${name} is no longer Ready`;
  if (pod.restarts > (state.restarts ?? 0)) return `a container of ${name} was restarted`;
  if (errors === undefined) return undefined;
  const most = 3 * errors.others + config.errorsPerMinute;
  if (errors.canary <= most) return undefined;
  return `${name} logs ${errors.canary.toFixed(1)} errors a minute, the others ${errors.others.toFixed(1)}`;
}

/** Back to the last good template; where there was none, nothing further is updated. */
function stopped({ current, good, state, now, replicas, wanted }: RolloutInput, why: string): RolloutStep {
  const back = good ?? current;
  const what = good === undefined ? 'there is no former template to go back to' : 'the last good template is restored';
  const message = `${why}; ${what}`;
  return {
    apply: back,
    partition: good === undefined ? Math.max(0, replicas - 1) : 0,
    state: { hash: state?.hash ?? wanted.hash, phase: 'Stopped', since: now, message },
    good,
    event: { type: 'Warning', reason: 'RolloutStopped', message },
  };
}

function partitionOf({ state, replicas }: RolloutInput): number {
  return state?.phase === 'Canary' || state?.phase === 'Watching' ? Math.max(0, replicas - 1) : 0;
}

function allUpdated({ observed, pods, replicas }: RolloutInput): boolean {
  return observed && pods.length === replicas && pods.every(({ updated, ready }) => updated && ready);
}

/** Whether pods with the former template are there, and none of them is Ready. */
export function areAllDown(pods: readonly PodView[]): boolean {
  const former = pods.filter(({ updated }) => !updated);
  return former.length > 0 && former.every(({ ready }) => !ready);
}
