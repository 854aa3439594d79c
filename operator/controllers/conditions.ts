import type { Condition } from '../../crds/index.ts';

/** What a controller says of one condition now. */
export interface ConditionNow {
  readonly type: string;
  readonly status: Condition['status'];
  /** One CamelCase word. */
  readonly reason: string;
  readonly message: string;
}

/** Reason of a condition that is as it is because no session asks for a connection: nothing is wrong. */
export const restingReason = 'Resting';

/** A condition whose status changed. */
export interface Transition {
  readonly type: string;
  readonly from: Condition['status'] | undefined;
  readonly to: ConditionNow;
}

/**
 * The next conditions of an object, in the order of `now`; `lastTransitionTime` moves only with `status`.
 *
 * @param at milliseconds since the epoch
 */
export function updateConditions(
  former: readonly Condition[] | undefined,
  now: readonly ConditionNow[],
  generation: number | undefined,
  at: number,
): { conditions: Condition[]; transitions: Transition[] } {
  const transitions: Transition[] = [];
  const conditions = now.map((next): Condition => {
    const before = former?.find(({ type }) => type === next.type);
    const same = before?.status === next.status;
    if (!same) transitions.push({ type: next.type, from: before?.status, to: next });
    return {
      type: next.type,
      status: next.status,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      lastTransitionTime: same ? before.lastTransitionTime : new Date(at).toISOString(),
      reason: next.reason,
      message: next.message,
    };
  });
  return { conditions, transitions };
}
