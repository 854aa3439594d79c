import type { Token } from '../../crds/index.ts';
import type { Answer, Call, ClaimAnswer, ClaimRequest } from '../sinks/sink.ts';
import type { SentMark } from './spool/lane-state.ts';

/** What the outbox wants done next. Its outcome is told by {@link import('./outbox.ts').Outbox.settle}. */
export type OutboxAction =
  | { readonly kind: 'claim'; readonly request: ClaimRequest }
  /** `mark` must be in the spool before the call is sent. */
  | { readonly kind: 'send'; readonly call: Call; readonly mark?: SentMark }
  | { readonly kind: 'sendLate'; readonly call: Call; readonly mark?: SentMark }
  | { readonly kind: 'end'; readonly token: Token };

/** `unavailable`: the sink could not be reached or its answer was lost; it may or may not have been written. */
export type OutboxOutcome = Answer | ClaimAnswer | { readonly kind: 'unavailable' };

/**
 * `unnamed`: no epoch that it may claim. `claiming`: named, not claimed yet. `live`: claimed. `refused`: the sink knows
 * a newer token. `ended`: the fence is closed for good.
 */
export type OutboxState = 'unnamed' | 'claiming' | 'live' | 'refused' | 'ended';
