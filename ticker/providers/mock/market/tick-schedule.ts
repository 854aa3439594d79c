import { hash } from './hash.ts';

/** Milliseconds. */
const day = 86_400_000;

/**
 * When each instrument ticks: at a steady rate, each with its own phase, so that ticks of many instruments are spread
 * over time. A function of time alone: nothing is kept for an instrument.
 */
export class TickSchedule {
  /** Milliseconds between two ticks of an instrument. */
  readonly period: number;

  /** @param rate ticks a second for each instrument */
  constructor(rate: number) {
    if (!(rate > 0) || rate > 100_000)
      throw new RangeError(`a tick rate must be above 0 and at most 100,000, not ${rate}`);
    this.period = 1000 / rate;
  }

  /** Ticks of an instrument that fall due after `from` and up to `to`, milliseconds on any one scale. */
  due(token: number, from: number, to: number): number {
    return Math.max(0, this.#index(token, to) - this.#index(token, from));
  }

  /** Which tick of its day (UTC) the newest one of an instrument is at `time`, milliseconds since the epoch; from 0. */
  numberAt(token: number, time: number): number {
    return this.#index(token, time) - this.#index(token, time - (time % day)) - 1;
  }

  /** Ticks of an instrument up to `time`, from the beginning of the scale. */
  #index(token: number, time: number): number {
    const phase = (hash(0, token) / 2 ** 32) * this.period;
    return Math.floor((time - phase) / this.period);
  }

  /** How often to look for due ticks, in milliseconds: often enough to spread them, not so often that frames are tiny. */
  get flushInterval(): number {
    return Math.max(5, Math.min(100, this.period / 2));
  }
}
