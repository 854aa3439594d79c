import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Packet, type TickColumns } from '../tick-columns.ts';
import { History } from './history.ts';
import { second, type TickRow, tenOClock, ticksOf } from './ticks.testing.ts';
import { saneMask, usualPolicy } from './validation/policy.ts';
import type { RowContext } from './validation/rule.ts';
import { jumpShare } from './validation/tolerances.ts';
import { ruleBit, Validator } from './validation/validator.ts';

const historyMask = ruleBit('volumeDecreased') | ruleBit('timeMovedBack');
const validator = new Validator(usualPolicy.counted);

const row: fc.Arbitrary<TickRow> = fc.record({
  token: fc.constant(1),
  packet: fc.constantFrom(Packet.full, Packet.full, Packet.quote, Packet.ltp),
  lastPrice: fc.constantFrom(99, 100, 100, 100, 100, 150, Number.NaN),
  high: fc.constantFrom(101, 200),
  low: fc.constant(1),
  volume: fc.constantFrom(900, 1000, 1000, 1000, 1001),
  exchangeTime: fc.constantFrom(0, -100, -1, 0, 1).map((seconds) => tenOClock + seconds * second),
});
const steps = fc.array(
  fc.oneof({ weight: 12, arbitrary: row }, { weight: 1, arbitrary: fc.constant('again' as const) }),
);

/** What one instrument's rows are found to be, by asking of each whether it follows at first, or not. */
class Judge {
  readonly history = new History();
  readonly context: RowContext = {
    first: true,
    previousExchangeTime: 0,
    volumeChangedTime: 0,
    previousVolume: 0,
    previousPrice: 0,
    previousClose: 0,
    scalePrice: 0,
  };
  #price = Number.NaN;
  /** Rows that followed. */
  followed = 0;

  constructor() {
    this.history.reserve(1);
    this.history.forget(0);
  }

  judge(ticks: TickColumns, quick: boolean): unknown {
    const { history, context } = this;
    const price = ticks.lastPrice[0] ?? Number.NaN;
    validator.survey(ticks, 0);
    if (quick && validator.plain(0) && history.follow(0, ticks, 0, this.#price, jumpShare * this.#price)) {
      this.followed++;
      this.#price = price;
      return { broken: 0, cached: false, live: history.isLive(0), ...this.#remembered(ticks) };
    }
    history.describe(0, ticks, 0, context);
    context.previousPrice = this.#price;
    context.scalePrice = this.#price;
    const cached = history.isCached(0, ticks, 0, context.first);
    const broken = validator.table(ticks, 0, context);
    const sane = (broken & saneMask) === 0;
    history.remember(0, ticks, 0, sane, (broken & historyMask) !== 0);
    if (sane && price > 0) this.#price = price;
    if (broken === 0 && !cached) history.becomesLive(0);
    return { broken, cached, live: history.isLive(0), ...this.#remembered(ticks) };
  }

  #remembered(ticks: TickColumns): RowContext {
    this.history.describe(0, ticks, 0, this.context);
    return { ...this.context, previousPrice: this.#price, scalePrice: this.#price };
  }
}

test('law: a row that follows is judged and remembered as by asking everything', () => {
  let followed = 0;
  fc.assert(
    fc.property(steps, (list) => {
      const [quick, long] = [new Judge(), new Judge()];
      list.forEach((step, i) => {
        if (step === 'again') {
          for (const { history } of [quick, long]) history.reconnected();
          return;
        }
        const ticks = ticksOf([{ ...step, receiveTime: tenOClock + i * second }]);
        expect(quick.judge(ticks, true)).toEqual(long.judge(ticks, false));
      });
      followed += quick.followed;
    }),
    { numRuns: 5_000, seed: 3 },
  );
  expect(followed).toBeGreaterThan(1_000);
});
