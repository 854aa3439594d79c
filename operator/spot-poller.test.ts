import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import { FakeMarketData } from './market-data.testing.ts';
import { SpotPoller } from './spot-poller.ts';

const source = (name: string, streamed: readonly number[] = []) => ({
  shard: { shard: name, uid: 'u' },
  account: { namespace: 'desk', name },
  streams: (token: number) => streamed.includes(token),
});

let clock: VirtualClock;
let marketData: FakeMarketData;
let poller: SpotPoller;
let moves: number;
let stop: AbortController;
let running: Promise<void>;

beforeEach(() => {
  clock = new VirtualClock();
  marketData = new FakeMarketData();
  moves = 0;
  const onMove = () => moves++;
  poller = new SpotPoller({ marketData, clock, log: silentLogger, random: new SeededRandom(1), onMove });
  stop = new AbortController();
  running = poller.run(stop.signal);
});

afterEach(async () => {
  stop.abort();
  await running;
});

test('wakes the operator for the first price and for one that leaves its band only', async () => {
  const sources = new Map([['kite', [source('a')]]]);
  marketData.prices.set(1, 100);
  poller.follow(sources, new Map([['kite', [{ token: 1 }]]]));
  await clock.advance(1000);
  expect(moves).toBe(1);
  expect(poller.price('kite', 1)).toBe(100);
  poller.follow(sources, new Map([['kite', [{ token: 1, band: { low: 90, high: 110 } }]]]));
  marketData.prices.set(1, 109);
  await clock.advance(3000);
  expect(moves).toBe(1);
  marketData.prices.set(1, 111);
  await clock.advance(1000);
  expect(moves).toBe(2);
  expect(poller.price('kite', 1)).toBe(111);
});

test('asks whoever streams the token, at most once a second', async () => {
  poller.follow(
    new Map([['kite', [source('a'), source('b', [2])]]]),
    new Map([['kite', [{ token: 1 }, { token: 2 }]]]),
  );
  await clock.advance(10_000);
  const { spot } = marketData.asked;
  expect(spot.filter(({ shard }) => shard === 'a').every(({ tokens }) => tokens.join() === '1')).toBe(true);
  expect(spot.filter(({ shard }) => shard === 'b').every(({ tokens }) => tokens.join() === '2')).toBe(true);
  expect(spot.length).toBeLessThanOrEqual(22);
});

test('backs off from a shard that fails, and keeps the last price', async () => {
  marketData.prices.set(1, 100);
  poller.follow(new Map([['kite', [source('a')]]]), new Map([['kite', [{ token: 1 }]]]));
  await clock.advance(1000);
  marketData.failing = true;
  marketData.asked.spot.length = 0;
  await clock.advance(60_000);
  expect(marketData.asked.spot.length).toBeLessThan(12);
  expect(poller.price('kite', 1)).toBe(100);
});
