import { type BackoffPolicy, backoffDelay } from '../../runtime/backoff.ts';
import type { CodedError } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';

/** Waits by what went wrong: a lost connection is opened at once, a broker that says "too many" is left in peace. */
const policies: Readonly<Record<string, BackoffPolicy>> = {
  PROVIDER_CONNECTION_LOST: { first: 200, most: 15_000 },
  PROVIDER_CONNECTION_SILENT: { first: 200, most: 15_000 },
  SHARD_STREAM_STALLED: { first: 1_000, most: 60_000 },
  PROVIDER_CONNECTION_LIMIT: { first: 5_000, most: 60_000 },
  PROVIDER_RATE_LIMITED: { first: 5_000, most: 60_000 },
  PROVIDER_CREDENTIALS_REFUSED: { first: 1_000, most: 10_000 },
};
/** The broker says "too many", and another connection is being closed. */
const roomSoon: BackoffPolicy = { first: 250, most: 2_000 };
const otherwise: BackoffPolicy = { first: 500, most: 30_000 };

/**
 * How long to wait before the next connection. Failures count on until a connection has lived for a while, so one that
 * opens and breaks at once is not opened in a tight loop.
 */
export class ReconnectPolicy {
  readonly #healthyAfter: number;
  readonly #random: Random;
  /** Shortens every wait, for tests and simulations; 1 in production. */
  readonly #scale: number;
  #failures = 0;
  #refused = 0;
  /** A connection is about to be given up for this one. */
  urgent = false;

  constructor(options: { healthyAfter: number; random: Random; scale?: number }) {
    this.#healthyAfter = options.healthyAfter;
    this.#random = options.random;
    this.#scale = options.scale ?? 1;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Connections in a row that were refused with 403. */
  get refused(): number {
    return this.#refused;
  }

  /** A connection ended or could not be opened; `lived` is how long it was open. Milliseconds to wait. */
  failed(error: CodedError, lived: number): number {
    if (lived >= this.#healthyAfter) this.#failures = 0;
    this.#refused = error.code === 'PROVIDER_CREDENTIALS_REFUSED' ? this.#refused + 1 : 0;
    const room = this.urgent && error.code === 'PROVIDER_CONNECTION_LIMIT';
    const policy = room ? roomSoon : (policies[error.code] ?? otherwise);
    return backoffDelay(policy, this.#failures++, this.#random) * this.#scale;
  }

  /** Something changed (a new login): the next attempt is the first. */
  reset(): void {
    this.#failures = 0;
    this.#refused = 0;
  }
}
