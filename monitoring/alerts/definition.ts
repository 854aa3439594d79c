/**
 * When an alert may fire.
 *
 * - `always`: what it tells does not come of a closed market.
 * - `session`: while the account, the namespace, or anything at all has a session. Where no calendar is known, that
 *   counts as open. `otherwise` is its severity while everything is closed; without it, it is silent then.
 */
export type Hours =
  | { readonly when: 'always' }
  | { readonly when: 'session'; readonly of: 'account' | 'namespace'; readonly otherwise?: 'warning' };

export interface Alert {
  readonly name: string;
  /** critical: somebody is woken. warning: somebody looks at it today. none: it is always on. */
  readonly severity: 'critical' | 'warning' | 'none';
  readonly hours: Hours;
  /** How long it must be so, e.g. `2m`. */
  readonly for: string;
  /** PromQL without regard to hours. */
  readonly expr: string;
  /** One sentence that a person understands who was asleep a minute ago. */
  readonly summary: string;
  /** What the number says, and what follows from it. */
  readonly description: string;
}

export const always: Hours = { when: 'always' };
/** Ticks are missing only while the account trades. */
export const accountOpen: Hours = { when: 'session', of: 'account' };
/** Wakes somebody during a session of the account; can wait until morning otherwise. */
export const accountOpenElseWarn: Hours = { when: 'session', of: 'account', otherwise: 'warning' };
/** Wakes somebody while any account of the namespace trades; can wait until morning otherwise. */
export const openElseWarn: Hours = { when: 'session', of: 'namespace', otherwise: 'warning' };
