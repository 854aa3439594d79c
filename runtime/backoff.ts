import type { Random } from './random.ts';

/** An exponential backoff: `first · factorⁿ` up to `most`, each with up to `jitter` (a share) taken off. */
export interface BackoffPolicy {
  /** Milliseconds before the first retry. */
  readonly first: number;
  /** The longest wait in milliseconds. */
  readonly most: number;
  readonly factor?: number;
  /** Share of the wait that is random, in [0, 1]; default 0.5. */
  readonly jitter?: number;
}

/**
 * The wait before retry number `attempt` (0 for the first), in milliseconds.
 * Jitter spreads clients that failed together, so that they do not come back together.
 */
export function backoffDelay(policy: BackoffPolicy, attempt: number, random: Random): number {
  const factor = policy.factor ?? 2;
  const jitter = policy.jitter ?? 0.5;
  const whole = Math.min(policy.most, policy.first * factor ** Math.min(attempt, 64));
  return whole * (1 - jitter * random.next());
}
