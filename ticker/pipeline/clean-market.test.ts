import { expect, test } from 'vitest';
import type { Mode, SubscriptionSliceSpec } from '../../crds/index.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { KiteDecoder } from '../providers/kite/decoder.ts';
import { FrameEncoder } from '../providers/kite/simulator/encoder.ts';
import { packetKind, wireFields } from '../providers/kite/simulator/wire-quote.ts';
import { Market, type MarketSnapshot } from '../providers/mock/market/market.ts';
import { indianHours, type MarketHours } from '../providers/mock/market/sessions.ts';
import type { MarketInstrument } from '../providers/mock/market/universe.ts';
import { assemble } from './format/json.ts';
import { type Batch, parseBatch } from './format/read.ts';
import { createAccountPipeline } from './pipeline.ts';
import { kolkata, sliceSet, sliceSpec } from './ticks.testing.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
/** A Monday, 15:25 in Kolkata: the close is near. */
const start = Date.UTC(2026, 0, 5, 9, 55);

function pick(snapshot: MarketSnapshot): MarketInstrument[] {
  const bySegment = new Map<string, MarketInstrument[]>();
  for (const instrument of snapshot.universe.instruments) {
    const key = `${instrument.segment} ${instrument.type}`;
    const list = bySegment.get(key) ?? [];
    list.push(instrument);
    bySegment.set(key, list);
  }
  // Some of every segment and type, spread over strikes and expiries.
  return [...bySegment.values()].flatMap((list) => {
    const step = Math.max(1, Math.floor(list.length / 12));
    return list.filter((_, at) => at % step === 0);
  });
}

function specOf(instruments: readonly MarketInstrument[], mode: Mode): SubscriptionSliceSpec {
  const set = sliceSet('s', { greeks: kolkata });
  return sliceSpec(
    [set],
    instruments.map((instrument) => ({
      exchange: instrument.exchange,
      mode,
      sets: [0],
      ...(instrument.expiry === undefined ? {} : { expiry: instrument.expiry }),
      instruments: [
        {
          token: instrument.token,
          symbol: instrument.symbol,
          ...(instrument.type === 'CE' || instrument.type === 'PE'
            ? { type: instrument.type, strike: instrument.strike }
            : {}),
        },
      ],
    })),
  );
}

/** Streams the market over the broker's wire format into a pipeline: once a second for 30 s from each of `times`. */
function stream(hours: MarketHours, mode: Mode, times: readonly number[]) {
  const market = new Market({ random: new SeededRandom(7), hours });
  const instruments = pick(market.advance(start));
  const slice = createAccountPipeline().slice('a');
  slice.configure(specOf(instruments, mode));
  const decoder = new KiteDecoder();
  const encoder = new FrameEncoder(1 << 20);
  const batches: Batch[] = [];
  let received = 0;
  for (const from of times) {
    for (let time = from; time < from + 30 * second; time += second) {
      const snapshot = market.advance(time);
      for (const { token } of instruments) {
        const quote = snapshot.quote(token);
        if (quote === undefined) continue;
        const kind = packetKind(quote, mode);
        expect(encoder.add(kind, wireFields(quote, kind))).toBe(true);
        received++;
      }
      slice.frame(decoder, encoder.take(), time * 1000);
      for (const batch of slice.take(time, true)) {
        const header = { v: 1, set: 's', slice: 's', shard: 's', epoch: 1, claim: 1, seq: 1, time: 0 } as const;
        batches.push(parseBatch(assemble({ ...header, count: batch.count }, batch.body)));
      }
    }
  }
  return { slice, received, batches, instruments };
}

const modes: Mode[] = ['ltp', 'quote', 'full'];
const schedules: [string, MarketHours, number[]][] = [
  [
    'around the clock, over midnight',
    'always',
    [start, start + 8.5 * hour + 4 * minute + 45 * second, start + 10 * hour],
  ],
  [
    'Indian hours, over the close, the evening and the next open',
    indianHours,
    [start, start + 5 * minute, start + 4 * hour, start + 17.8 * hour, start + 18 * hour],
  ],
];

test.each(schedules.flatMap(([name, hours, times]) => modes.map((mode) => [name, mode, hours, times] as const)))(
  'a clean market breaks no enforced rule: %s, %s',
  (_, mode, hours, times) => {
    const { slice, received, instruments } = stream(hours, mode, times);
    expect(instruments.length).toBeGreaterThan(60);
    expect(slice.counters.received).toBe(received);
    expect(slice.breaches()).toEqual([]);
    expect(slice.counters).toMatchObject({ invalid: 0, unknown: 0, malformedFrames: 0, routed: received });
  },
);

test('the volatility that the market was priced with comes back from its wire, to the rounding of prices', () => {
  const market = new Market({ random: new SeededRandom(7) });
  const snapshot = market.advance(start);
  const nifty = snapshot.universe.byName.get('NSE:NIFTY 50')!;
  const spot = snapshot.quote(nifty.token)!.lastPrice;
  const options = snapshot.universe.instruments.filter(
    ({ underlying, type, strike, expiresAt }) =>
      underlying === nifty.underlying &&
      (type === 'CE' || type === 'PE') &&
      Math.abs(strike / spot - 1) < 0.02 &&
      expiresAt > start + 24 * hour,
  );
  const spec = specOf([nifty, ...options], 'full');
  const slice = createAccountPipeline().slice('a');
  slice.configure({
    ...spec,
    groups: spec.groups.map((group) => (group.expiry === undefined ? group : { ...group, underlying: nifty.token })),
  });
  const encoder = new FrameEncoder(1 << 20);
  for (const { token } of [nifty, ...options]) {
    const quote = snapshot.quote(token)!;
    const kind = packetKind(quote, 'full');
    encoder.add(kind, wireFields(quote, kind));
  }
  slice.frame(new KiteDecoder(), encoder.take(), start * 1000);
  const columns = slice.take(start, true).map((batch) => JSON.parse(String(batch.body)) as Record<string, number[]>);
  let checked = 0;
  for (const { token, iv, vega } of columns)
    token!.forEach((value, at) => {
      if (value === nifty.token) return;
      // Half a tick of price, in volatility, and half a paisa of spot.
      const allowed = ((0.025 + 0.005) / vega![at]!) * 0.01 * 1.1;
      expect(Math.abs(iv![at]! - snapshot.impliedVolatility(value))).toBeLessThan(allowed);
      checked++;
    });
  expect(checked).toBeGreaterThan(40);
  expect(slice.counters).toMatchObject({ greeksSolved: options.length, greeksUnsolved: 0 });
});
