import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../../runtime/random.ts';
import { optionPrice } from './black-scholes.ts';
import { instantOf } from './calendar.ts';
import { candles } from './candles.ts';
import { Market, type MarketSnapshot, masterOf } from './market.ts';
import { marketRate, yearsToExpiry } from './pricing.ts';
import type { Quote } from './quote.ts';
import { indianHours } from './sessions.ts';
import type { MarketInstrument } from './universe.ts';

/** A Tuesday. */
const start = instantOf('2026-11-24', 11 * 60);
const create = (seed = 1, options = {}): Market => new Market({ random: new SeededRandom(seed), ...options });
const named = (snapshot: MarketSnapshot, name: string): MarketInstrument => snapshot.universe.byName.get(name)!;
const quoteOf = (snapshot: MarketSnapshot, name: string): Quote => snapshot.quote(named(snapshot, name).token)!;
const onGrid = (price: number, tick: number): boolean => Math.abs(price / tick - Math.round(price / tick)) < 1e-6;

describe('the universe', () => {
  const { universe } = create().advance(start);

  it('has one token and one name an instrument, with the segment in the low byte', () => {
    expect(universe.byToken.size).toBe(universe.instruments.length);
    expect(universe.byName.size).toBe(universe.instruments.length);
    const low: Record<string, number> = { NSE: 1, NFO: 2, CDS: 3, BSE: 4, BFO: 5, BCD: 6, MCX: 7 };
    for (const { token, segment, exchange, exchangeToken, symbol } of universe.instruments) {
      expect(token & 0xff, symbol).toBe(segment === 'INDICES' ? 9 : low[exchange]);
      expect(token).toBe(exchangeToken * 256 + (token & 0xff));
      expect(token).toBeLessThan(2 ** 31);
    }
    expect(universe.byName.get('NSE:NIFTY 50')!.token).toBe(256265);
    expect(universe.byName.get('NSE:NIFTY BANK')!.token).toBe(260105);
    expect(universe.byName.get('NSE:RELIANCE')!.token).toBe(738561);
    expect(universe.byName.get('BSE:RELIANCE')!.token).toBe(128083204);
  });

  it('has at least 50 shares, and at least 3 expiries of 41 strikes for four indices', () => {
    expect(
      universe.instruments.filter(({ type, exchange }) => type === 'EQ' && exchange === 'NSE').length,
    ).toBeGreaterThan(50);
    for (const name of ['NIFTY', 'BANKNIFTY', 'FINNIFTY', 'SENSEX']) {
      const calls = universe.instruments.filter((each) => each.name === name && each.type === 'CE');
      const expiries = new Set(calls.map(({ expiry }) => expiry));
      expect(expiries.size).toBeGreaterThanOrEqual(3);
      for (const expiry of expiries) {
        expect(calls.filter((each) => each.expiry === expiry).length).toBeGreaterThanOrEqual(41);
      }
    }
    expect(new Set(universe.instruments.map(({ exchange }) => exchange))).toEqual(
      new Set(['NSE', 'BSE', 'NFO', 'BFO', 'CDS', 'BCD', 'MCX']),
    );
  });

  it('lists new contracts and keeps tokens when old contracts expire', () => {
    const market = create();
    const before = market.advance(start);
    const expired = before.universe.instruments.find(
      ({ name, type, expiry }) => name === 'NIFTY' && type === 'CE' && expiry === '2026-11-24',
    )!;
    expect(before.quote(expired.token)).toBeDefined();
    const after = market.advance(instantOf('2026-11-24', 931));
    expect(after.universe.byToken.has(expired.token)).toBe(false);
    expect(after.quote(expired.token)).toBeUndefined();
    const expiries = new Set(
      after.universe.instruments.filter(({ name }) => name === 'NIFTY').map(({ expiry }) => expiry),
    );
    expect(expiries.size).toBeGreaterThanOrEqual(5);
    for (const kept of before.universe.instruments) {
      if (kept.expiry === '2026-11-24') continue;
      expect(after.universe.byName.get(`${kept.exchange}:${kept.symbol}`)!.token, kept.symbol).toBe(kept.token);
    }
    expect(masterOf(after.universe, 0).version).not.toBe(masterOf(before.universe, 0).version);
  });

  it('grows to more than 100,000 instruments', () => {
    const large = create(1, { extraInstruments: 100_000 }).advance(start).universe;
    expect(large.instruments.length).toBeGreaterThan(100_000);
    expect(large.byToken.size).toBe(large.instruments.length);
  });
});

describe('quotes', () => {
  it('are coherent for every instrument at any time', () => {
    const market = create();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400_000 * 20 }), fc.nat(), (offset, pick) => {
        const snapshot = market.advance(start + offset);
        const { instruments } = snapshot.universe;
        for (let step = 0; step < 40; step++) {
          const quote = snapshot.quote(instruments[(pick + step * 71) % instruments.length]!.token);
          if (quote !== undefined) expectCoherent(quote);
        }
      }),
      { numRuns: 60, seed: 4 },
    );
  });

  it('go on as time does: volume, high and trade time never back, open and close fixed', () => {
    const market = create();
    const tokens = market.advance(start).universe.instruments.filter((_, index) => index % 97 === 0);
    const last = new Map<number, Quote>();
    for (let time = start; time < start + 600_000; time += 7_300) {
      const snapshot = market.advance(time);
      for (const { token, type } of tokens) {
        const quote = snapshot.quote(token)!;
        const before = last.get(token);
        last.set(token, quote);
        if (before === undefined) continue;
        expect(quote.volume).toBeGreaterThanOrEqual(before.volume);
        if (type !== 'INDEX')
          expect(quote.volume - before.volume >= quote.lastQuantity || quote.volume === before.volume).toBe(true);
        expect(quote.high).toBeGreaterThanOrEqual(before.high);
        expect(quote.low).toBeLessThanOrEqual(before.low);
        expect(quote.open).toBe(before.open);
        expect(quote.close).toBe(before.close);
        expect(quote.lastTradeTime).toBeGreaterThanOrEqual(before.lastTradeTime);
      }
    }
  });

  it('are the same for the same seed and times, whatever else was asked', () => {
    const [one, other] = [create(5), create(5)];
    for (let step = 0; step < 20; step++) {
      const [a, b] = [one.advance(start + step * 250), other.advance(start + step * 250)];
      for (const { token } of a.universe.instruments.slice(0, 30)) b.quote(token);
      for (const name of ['NSE:INFY', 'NSE:NIFTY 50']) expect(quoteOf(a, name)).toEqual(quoteOf(b, name));
    }
    expect(quoteOf(create(6).advance(start), 'NSE:INFY').lastPrice).not.toBe(
      quoteOf(one.advance(start), 'NSE:INFY').lastPrice,
    );
  });

  it('of a snapshot never change, though the market moves on', () => {
    const market = create();
    const snapshot = market.advance(start);
    const reliance = quoteOf(snapshot, 'NSE:RELIANCE');
    const copy = structuredClone({ ...reliance, instrument: null });
    const untouched = create().advance(start);
    market.advance(start + 3_600_000);
    quoteOf(market.advance(start + 3_600_000), 'NSE:INFY');
    expect({ ...quoteOf(snapshot, 'NSE:RELIANCE'), instrument: null }).toEqual(copy);
    expect(quoteOf(snapshot, 'NSE:INFY')).toEqual(quoteOf(untouched, 'NSE:INFY'));
  });

  it('keep the day of a bounded number of instruments', () => {
    const market = create(1, { stateLimit: 100 });
    const snapshot = market.advance(start);
    for (const { token } of snapshot.universe.instruments) snapshot.quote(token);
    expect(market.tracked).toBe(100);
  });

  it('move together: shares of a bank with the bank index more than with software', () => {
    const market = create();
    const universe = market.advance(start).universe;
    const returns = (name: string): number[] => {
      const instrument = universe.byName.get(name)!;
      return Array.from({ length: 300 }, (_, hour) => {
        const [from, to] = [start - (hour + 1) * 3_600_000, start - hour * 3_600_000];
        return Math.log(market.priceAt(instrument, to) / market.priceAt(instrument, from));
      });
    };
    const bank = returns('NSE:NIFTY BANK');
    expect(correlation(returns('NSE:NIFTY 50'), bank)).toBeGreaterThan(0.6);
    expect(correlation(returns('NSE:ICICIBANK'), bank)).toBeGreaterThan(correlation(returns('NSE:INFY'), bank) + 0.1);
    expect(Math.abs(correlation(returns('NSE:NIFTY 50'), bank.toReversed()))).toBeLessThan(0.3);
  });

  it('stand still when the exchange is closed, and start a new day when it opens', () => {
    const market = create(1, { hours: indianHours });
    const close = instantOf('2026-11-24', 930);
    const evening = market.advance(close + 4 * 3_600_000);
    const reliance = named(evening, 'NSE:RELIANCE');
    expect(market.isOpen(reliance, evening.time)).toBe(false);
    expect(evening.quote(reliance.token)!.exchangeTime).toBe(close);
    const gold = evening.universe.instruments.find(({ exchange }) => exchange === 'MCX')!;
    expect(market.isOpen(gold, evening.time)).toBe(true);
    const next = market.advance(instantOf('2026-11-25', 600));
    expect(market.isOpen(reliance, next.time)).toBe(true);
    expect(next.quote(reliance.token)!.close).toBe(evening.quote(reliance.token)!.lastPrice);
    expect(market.advance(instantOf('2026-11-28', 600)).quote(reliance.token)!.exchangeTime).toBe(
      instantOf('2026-11-27', 930),
    );
  });
});

describe('options', () => {
  it('have the volatility of the surface in their prices, within the tick', () => {
    const snapshot = create().advance(instantOf('2026-11-20', 600));
    const spot = quoteOf(snapshot, 'NSE:NIFTY 50').lastPrice;
    const options = snapshot.universe.instruments.filter(
      ({ name, type }) => name === 'NIFTY' && (type === 'CE' || type === 'PE'),
    );
    let checked = 0;
    for (const option of options) {
      const price = snapshot.quote(option.token)!.lastPrice;
      const volatility = snapshot.impliedVolatility(option.token);
      const at = (sigma: number): number =>
        optionPrice(
          option.type as 'CE' | 'PE',
          spot,
          option.strike,
          yearsToExpiry(option, snapshot.time),
          marketRate,
          sigma,
        );
      if (at(volatility) < 0.05) continue;
      expect(Math.abs(at(volatility) - price)).toBeLessThanOrEqual(0.025 + 1e-9);
      const vega = (at(volatility + 1e-4) - at(volatility - 1e-4)) / 2e-4;
      if (vega < 50) continue;
      let [low, high] = [0.001, 3];
      for (let halving = 0; halving < 60; halving++) {
        const middle = (low + high) / 2;
        if (at(middle) < price) low = middle;
        else high = middle;
      }
      expect(Math.abs(low - volatility)).toBeLessThan(0.05 / vega + 1e-6);
      checked += 1;
    }
    expect(checked).toBeGreaterThan(300);
  });

  it('are monotone in their strike', () => {
    const snapshot = create().advance(instantOf('2026-11-20', 600));
    for (const name of ['NIFTY', 'BANKNIFTY', 'SENSEX']) {
      const calls = snapshot.universe.instruments.filter((each) => each.name === name && each.type === 'CE');
      for (const expiry of new Set(calls.map((each) => each.expiry))) {
        const prices = calls
          .filter((each) => each.expiry === expiry)
          .sort((a, b) => a.strike - b.strike)
          .map(({ token }) => snapshot.quote(token)!.lastPrice);
        expect(prices).toEqual(prices.toSorted((a, b) => b - a));
      }
    }
  });
});

describe('candles', () => {
  it('are aligned, in order, coherent, and none lies in the future', () => {
    const market = create(1, { hours: indianHours });
    const now = instantOf('2026-11-24', 720) + 30_000;
    const infy = named(market.advance(now), 'NSE:INFY');
    const found = [...candles(market, infy, 15, instantOf('2026-11-20'), now, now)];
    expect(found.length).toBe(25 + 25 + 11 + 1);
    expect(found[0]!.time).toBe(instantOf('2026-11-20', 555));
    expect(found.at(-1)!.time).toBe(instantOf('2026-11-24', 720));
    for (const candle of found) {
      expect(candle.high).toBeGreaterThanOrEqual(Math.max(candle.open, candle.close));
      expect(candle.low).toBeLessThanOrEqual(Math.min(candle.open, candle.close));
      expect(candle.volume).toBeGreaterThan(0);
    }
    const days = [...candles(market, infy, 1440, instantOf('2026-11-16'), now, now)];
    expect(days.map(({ time }) => time)).toEqual(
      ['16', '17', '18', '19', '20', '23', '24'].map((date) => instantOf(`2026-11-${date}`)),
    );
    const today = market.advance(now).quote(infy.token)!;
    expect(days.at(-1)).toMatchObject({ open: today.open, close: today.lastPrice, volume: today.volume });
  });
});

function expectCoherent(quote: Quote): void {
  const { instrument, lastPrice, high, low, open, bids, asks, averagePrice } = quote;
  const where = `${instrument.exchange}:${instrument.symbol}`;
  for (const price of [lastPrice, high, low, open, quote.close]) {
    expect(price, where).toBeGreaterThan(0);
    expect(onGrid(price, instrument.priceTick), where).toBe(true);
  }
  expect(high, where).toBeGreaterThanOrEqual(Math.max(open, lastPrice));
  expect(low, where).toBeLessThanOrEqual(Math.min(open, lastPrice));
  if (instrument.type === 'INDEX') {
    expect([quote.volume, quote.openInterest, bids.length, asks.length]).toEqual([0, 0, 0, 0]);
    return;
  }
  expect(averagePrice, where).toBeGreaterThanOrEqual(low - 0.005);
  expect(averagePrice, where).toBeLessThanOrEqual(high + 0.005);
  expect(lastPrice, where).toBeGreaterThanOrEqual(quote.lowerCircuit);
  expect(lastPrice, where).toBeLessThanOrEqual(quote.upperCircuit);
  for (const count of [quote.volume, quote.lastQuantity, quote.openInterest, quote.buyQuantity, quote.sellQuantity]) {
    expect(Number.isInteger(count) && count >= 0 && count < 2 ** 31, `${where} ${count}`).toBe(true);
    if (instrument.type !== 'EQ') expect(quote.volume % instrument.lotSize).toBe(0);
  }
  expect(quote.volume, where).toBeGreaterThanOrEqual(quote.lastQuantity);
  expect(quote.openInterestHigh).toBeGreaterThanOrEqual(quote.openInterest);
  expect(quote.openInterestLow).toBeLessThanOrEqual(quote.openInterest);
  if (bids[0] !== undefined && asks[0] !== undefined) expect(bids[0].price, where).toBeLessThan(asks[0].price);
  for (const [side, sign] of [
    [bids, -1],
    [asks, 1],
  ] as const) {
    side.forEach(({ price, quantity, orders }, level) => {
      expect(onGrid(price, instrument.priceTick), where).toBe(true);
      expect(price, where).toBeGreaterThanOrEqual(quote.lowerCircuit);
      expect(price, where).toBeLessThanOrEqual(quote.upperCircuit);
      expect(quantity).toBeGreaterThanOrEqual(orders);
      expect(orders).toBeGreaterThan(0);
      if (level > 0) expect(sign * (price - side[level - 1]!.price), where).toBeGreaterThan(0);
    });
  }
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [ma, mb] = [mean(a), mean(b)];
  const product = mean(a.map((value, index) => (value - ma) * (b[index]! - mb)));
  return product / Math.sqrt(mean(a.map((value) => (value - ma) ** 2)) * mean(b.map((value) => (value - mb) ** 2)));
}
