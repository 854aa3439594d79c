import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/log.ts';
import type { SlicePipeline } from '../pipeline/slice-pipeline.ts';

/** Milliseconds between two lines. */
export const breachLogInterval = 30_000;
/** Rows that a line shows. */
const shown = 5;

/** Says in the log what the rules found, with a few of the rows: at most one line in {@link breachLogInterval}. */
export class BreachLog {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #told = new Map<string, number>();
  #seen = 0;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** A frame went through the pipeline. */
  look(pipeline: Pick<SlicePipeline, 'counters' | 'breached' | 'breaches'>): void {
    if (pipeline.breached === this.#seen) return;
    const now = this.#clock.monotonic();
    if (now < this.#notBefore) return;
    this.#notBefore = now + breachLogInterval;
    this.#seen = pipeline.breached;
    const rules: Record<string, number> = {};
    for (const [rule, count] of pipeline.counters.byRule) {
      const more = count - (this.#told.get(rule) ?? 0);
      if (more > 0) rules[rule] = more;
      this.#told.set(rule, count);
    }
    const sample = pipeline.breaches().slice(-shown);
    this.#log.warn({ event: 'ticks.brokeRules', rules, sample }, 'ticks broke rules of validation');
  }
}
