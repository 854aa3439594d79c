import { type Clock, sleep } from '../../runtime/clock.ts';
import { describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { HealthCheck } from '../../runtime/metrics/listener.ts';

/** Whether Redis can be reached, for readiness. */
export class SinkWatch {
  readonly #interval: number;
  readonly #ping: () => Promise<void>;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Why it can't be reached; undefined while it can. */
  #problem: string | undefined = 'not asked yet';

  /** @param interval milliseconds between looks */
  constructor(ping: () => Promise<void>, clock: Clock, log: Logger, interval = 2000) {
    this.#interval = interval;
    this.#ping = ping;
    this.#clock = clock;
    this.#log = log;
  }

  get check(): HealthCheck {
    return { name: 'redis', ok: this.#problem === undefined, message: this.#problem };
  }

  /** Supervised task. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#ping();
        if (this.#problem !== undefined) this.#log.info({ event: 'redis.reached' }, 'Redis answers');
        this.#problem = undefined;
      } catch (error) {
        const problem = describeError(error);
        if (problem !== this.#problem) this.#log.warn({ event: 'redis.away' }, problem);
        this.#problem = problem;
      }
      await sleep(this.#clock, this.#interval, signal);
    }
  }
}
