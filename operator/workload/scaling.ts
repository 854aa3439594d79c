import { type PlannedLoad, podsAtLeast, podsFor, type SizingConfig } from './sizing.ts';

export interface ScalingInput {
  readonly replicas: number;
  /** Ordinal from which pods leave now; undefined while none does. */
  readonly leaving: number | undefined;
  /** When the one that leaves was told to, milliseconds since the epoch. */
  readonly leavingSince: number;
  readonly load: PlannedLoad;
  readonly config: SizingConfig & { readonly scaleDownAfterSeconds: number; readonly leaveSeconds: number };
  /** Since when fewer pods than there are would have been enough, milliseconds since the epoch; undefined while not. */
  readonly idleSince: number | undefined;
  /** Nothing names the pod that leaves any more, and its spool is empty. */
  readonly empty: boolean;
  /** No pod is ended while a template is rolled out. */
  readonly rollingOut: boolean;
  readonly now: number;
}

export interface ScalingStep {
  readonly replicas: number;
  readonly leaving: number | undefined;
  readonly event?: { readonly reason: 'ScaledUp' | 'ScaledDown' | 'Leaving'; readonly message: string };
}

/** Whether fewer pods than there are would be enough, with room to spare. */
export function isIdle({ replicas, load, config }: Pick<ScalingInput, 'replicas' | 'load' | 'config'>): boolean {
  return podsAtLeast(load, config) < replicas;
}

/**
 * The next step of scaling: up at once; down by one, from the end, only when fewer have been enough for a while, and the
 * last pod has handed over its slices, or its time is over. Pure.
 */
export function nextScalingStep(input: ScalingInput): ScalingStep {
  const { replicas, leaving, load, config, idleSince, now, rollingOut, empty } = input;
  const up = podsFor(load, config);
  if (up > replicas) {
    const message = `${up} pods instead of ${replicas}, for ${load.instruments.length} accounts`;
    return { replicas: up, leaving: undefined, event: { reason: 'ScaledUp', message } };
  }
  const mayShrink = isIdle(input) || replicas > config.max;
  if (!mayShrink || rollingOut) return { replicas, leaving: rollingOut ? leaving : undefined };
  const last = replicas - 1;
  if (leaving === last) {
    const late = now - input.leavingSince > config.leaveSeconds * 1000;
    if (!empty && !late) return { replicas, leaving };
    const message = empty
      ? `pod ${last} has handed over its slices and goes`
      : `pod ${last} goes, though it has not handed over within ${config.leaveSeconds} s`;
    return { replicas: last, leaving: undefined, event: { reason: 'ScaledDown', message } };
  }
  const waited = idleSince !== undefined && now - idleSince >= config.scaleDownAfterSeconds * 1000;
  if (!waited && replicas <= config.max) return { replicas, leaving: undefined };
  const message = `pod ${last} is not needed any more: its slices move first`;
  return { replicas, leaving: last, event: { reason: 'Leaving', message } };
}
