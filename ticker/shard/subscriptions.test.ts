import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { InstrumentGroup, Mode } from '../../crds/index.ts';
import { defaultLimits } from './limits.ts';
import { type SubscriptionChange, Subscriptions } from './subscriptions.ts';

function group(mode: Mode, tokens: readonly number[]): InstrumentGroup {
  return {
    exchange: 'NSE',
    mode,
    sets: [0],
    instruments: tokens.map((token) => ({ token, symbol: `S${token}` })),
  };
}

function tokensOf(change: SubscriptionChange): number[] {
  return change.subscribe.flatMap(({ tokens }) => tokens);
}

function hear(subscriptions: Subscriptions, tokens: readonly number[], now: number): void {
  subscriptions.heard(Uint32Array.from([999, ...tokens]), 1, 1 + tokens.length, now);
}

describe('subscriptions', () => {
  test('one added instrument asks for that one only', () => {
    const subscriptions = new Subscriptions(defaultLimits, (token) => `NSE:S${token}`);
    subscriptions.want([group('quote', [1, 2, 3])]);
    subscriptions.reconcile(0);
    subscriptions.want([group('quote', [1, 2, 3, 4])]);
    expect(subscriptions.reconcile(1)).toEqual({ unsubscribe: [], subscribe: [{ mode: 'quote', tokens: [4] }] });
    expect(subscriptions.reconcile(2)).toEqual({ unsubscribe: [], subscribe: [] });
  });

  test('a changed mode asks for the mode only, a removed instrument for its end', () => {
    const subscriptions = new Subscriptions(defaultLimits, (token) => `NSE:S${token}`);
    subscriptions.want([group('quote', [1, 2, 3])]);
    subscriptions.reconcile(0);
    subscriptions.want([group('quote', [1]), group('full', [2])]);
    expect(subscriptions.reconcile(1)).toEqual({ unsubscribe: [3], subscribe: [{ mode: 'full', tokens: [2] }] });
  });

  test('what the broker was told always adds up to what is wanted', () => {
    const wants = fc.array(
      fc.dictionary(fc.constantFrom('1', '2', '3', '4', '5'), fc.constantFrom('ltp', 'quote', 'full')),
    );
    fc.assert(
      fc.property(wants, (list) => {
        const subscriptions = new Subscriptions(defaultLimits, (token) => `NSE:S${token}`);
        const broker = new Map<number, string>();
        for (const want of list) {
          const groups = Object.entries(want).map(([token, mode]) => group(mode as Mode, [Number(token)]));
          subscriptions.want(groups);
          const { unsubscribe, subscribe } = subscriptions.reconcile(0);
          for (const token of unsubscribe) expect(broker.delete(token)).toBe(true);
          for (const { mode, tokens } of subscribe) {
            for (const token of tokens) {
              expect(broker.get(token)).not.toBe(mode);
              broker.set(token, mode);
            }
          }
          expect([...broker].sort()).toEqual(
            Object.entries(want)
              .map(([t, m]) => [Number(t), m])
              .sort(),
          );
        }
      }),
    );
  });

  test('what is heard of an instrument stays its own when others leave and come', () => {
    const subscriptions = new Subscriptions(defaultLimits, (token) => `NSE:S${token}`);
    subscriptions.want([group('quote', [1, 2, 3]), group('full', [4])]);
    subscriptions.reconcile(0);
    for (let now = 0; now < 10_000; now += 500) hear(subscriptions, [3, 4], now);
    subscriptions.want([group('quote', [3, 5]), group('full', [4])]);
    expect(subscriptions.reconcile(9_500)).toEqual({
      unsubscribe: [1, 2],
      subscribe: [{ mode: 'quote', tokens: [5] }],
    });
    hear(subscriptions, [4], 20_000);
    hear(subscriptions, [1], 20_000);
    expect(subscriptions.probe(2).unsubscribe).toEqual([4, 3]);
    expect(subscriptions.sent).toBe(3);
    // 5 never sent a packet; 3 fell silent, 4 did so later.
    expect(subscriptions.overdue(25_000, true).unsubscribe).toEqual([5]);
    expect(subscriptions.overdue(39_600, true).unsubscribe).toEqual([3]);
  });

  test('it is confirmed once every instrument has sent a packet, or has had its time, and again for what is added', () => {
    const subscriptions = new Subscriptions(defaultLimits, (token) => `NSE:S${token}`);
    subscriptions.want([group('quote', [1, 2])]);
    subscriptions.reconcile(0);
    hear(subscriptions, [1], 10);
    expect([subscriptions.confirmed(20, 1_000), subscriptions.confirmed(1_000, 1_000)]).toEqual([false, true]);
    subscriptions.want([group('quote', [1, 2, 3])]);
    subscriptions.reconcile(2_000);
    expect(subscriptions.confirmed(2_500, 1_000)).toBe(false);
    hear(subscriptions, [3], 2_600);
    expect(subscriptions.confirmed(2_700, 1_000)).toBe(true);
  });

  test('instruments that never send a packet are asked for again, a bounded number of times, then named', () => {
    const subscriptions = new Subscriptions(defaultLimits, (token) => `NSE:S${token}`);
    subscriptions.want([group('quote', [1, 2])]);
    subscriptions.reconcile(0);
    hear(subscriptions, [1], 10);
    const asked: number[] = [];
    for (let now = 0; now < 600_000; now += 1000) {
      const change = subscriptions.overdue(now, true);
      if (change.unsubscribe.length > 0) asked.push(now);
      expect(change.unsubscribe).toEqual(tokensOf(change));
      for (const token of change.unsubscribe) expect(token).toBe(2);
    }
    expect(asked).toEqual([10_000, 30_000, 70_000]);
    expect(subscriptions.silent()).toEqual(['NSE:S2']);
    hear(subscriptions, [2], 600_000);
    expect(subscriptions.silent()).toEqual([]);
  });

  test('an instrument that ticked every half second and falls silent is asked for again, while others flow', () => {
    const subscriptions = new Subscriptions(defaultLimits, (token) => `NSE:S${token}`);
    subscriptions.want([group('quote', [1, 2])]);
    subscriptions.reconcile(0);
    for (let now = 0; now < 10_000; now += 500) hear(subscriptions, [1, 2], now);
    let askedAt = 0;
    for (let now = 10_000; now < 60_000 && askedAt === 0; now += 500) {
      hear(subscriptions, [1], now);
      expect(subscriptions.overdue(now, false).unsubscribe).toEqual([]);
      const change = subscriptions.overdue(now, true);
      if (change.unsubscribe.length === 0) continue;
      expect(change).toEqual({ unsubscribe: [2], subscribe: [{ mode: 'quote', tokens: [2] }] });
      askedAt = now;
    }
    expect(askedAt).toBeGreaterThanOrEqual(39_000);
    expect(askedAt).toBeLessThanOrEqual(41_000);
  });

  test('an instrument that trades once an hour is left alone', () => {
    const subscriptions = new Subscriptions(defaultLimits, (token) => `NSE:S${token}`);
    subscriptions.want([group('quote', [1])]);
    subscriptions.reconcile(0);
    hear(subscriptions, [1], 100);
    for (let now = 1000; now < 3_600_000; now += 1000) {
      expect(subscriptions.overdue(now, true).unsubscribe).toEqual([]);
    }
  });
});
