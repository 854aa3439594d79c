import type { Clock, Timer } from '../../runtime/clock.ts';
import type { GatheredBatch } from '../pipeline/gathered-batch.ts';
import type { SlicePipeline } from '../pipeline/slice-pipeline.ts';

export interface SlicePumpOptions {
  readonly pipeline: SlicePipeline;
  readonly clock: Clock;
  /** Takes batches that are due, in order. */
  readonly deliver: (batches: readonly GatheredBatch[]) => void;
}

/** No window is longer (10 s and slack): a due time beyond it means that the wall clock was set back. */
const longestWindow = 11_000;

/** Moves batches out of a pipeline when they are due: woken by frames and one timer, never by polling. */
export class SlicePump {
  readonly #options: SlicePumpOptions;
  #timer: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(options: SlicePumpOptions) {
    this.#options = options;
  }

  /** A frame went through the pipeline. */
  poke(): void {
    const { pipeline, clock } = this.#options;
    const now = clock.now();
    const due = pipeline.nextDue();
    if (due <= now || due > now + longestWindow) this.#take(now, false);
    this.#schedule(now);
  }

  /** Takes everything, due or not. */
  flush(): void {
    const now = this.#options.clock.now();
    this.#take(now, true);
    // Bars go on, and end by time.
    this.#schedule(now);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #take(now: number, all: boolean): void {
    const batches = this.#options.pipeline.take(now, all);
    if (batches.length > 0) this.#options.deliver(batches);
  }

  /** A timer that goes off too early looks again: setting one anew for each batch that is full costs more. */
  #schedule(now: number): void {
    const due = this.#options.pipeline.nextDue();
    if (due >= this.#timerAt || !Number.isFinite(due)) return;
    this.#timer?.cancel();
    this.#timerAt = due;
    this.#timer = this.#options.clock.setTimer(Math.min(longestWindow, Math.max(0, due - now)), () => {
      this.#timer = undefined;
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.poke();
    });
  }
}
