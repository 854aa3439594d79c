import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import { CatalogCache } from './catalog-cache.ts';
import { FakeMarketData } from './market-data.testing.ts';
import { instrument, master } from './resolver/master.testing.ts';

const rows = Array.from({ length: 100 }, (_, n) => instrument({ symbol: `S${n}` }));
const source = {
  shard: { shard: 'shard-0', uid: 'u0' },
  account: { namespace: 'desk', name: 'a' },
  streams: () => false,
};
const sources = new Map([['kite', [source]]]);
const minute = 60_000;

let clock: VirtualClock;
let marketData: FakeMarketData;
let cache: CatalogCache;
let changes: number;
let stop: AbortController;
let running: Promise<void>;

beforeEach(() => {
  // 07:00 in Kolkata.
  clock = new VirtualClock(Date.UTC(2026, 0, 5, 1, 30));
  marketData = new FakeMarketData();
  marketData.master = master(rows);
  changes = 0;
  cache = new CatalogCache({
    marketData,
    clock,
    log: silentLogger,
    random: new SeededRandom(1),
    onChange: () => changes++,
  });
  stop = new AbortController();
  running = cache.run(stop.signal);
});

afterEach(async () => {
  stop.abort();
  await running;
});

test('loads as soon as there is somebody to ask', async () => {
  await clock.advance(minute);
  expect(marketData.asked.instruments).toBe(0);
  cache.follow(sources);
  await clock.advance(10);
  expect(cache.catalog('kite')?.size).toBe(100);
  expect(changes).toBe(1);
});

test('a first load that fails is tried again soon, and at once when somebody else can be asked', async () => {
  marketData.failing = true;
  cache.follow(sources);
  await clock.advance(20_000);
  expect(marketData.asked.instruments).toBeGreaterThan(3);
  expect(cache.states()[0]?.problem).toContain('the shard is not there');
  marketData.failing = false;
  cache.follow(new Map([['kite', [source, { ...source, account: { namespace: 'desk', name: 'b' } }]]]));
  await clock.advance(10);
  expect(cache.catalog('kite')?.size).toBe(100);
});

test('refreshes daily at 08:00, keeping the last good copy when that fails or looks broken', async () => {
  cache.follow(sources);
  await clock.advance(59 * minute);
  expect(marketData.asked.instruments).toBe(1);
  marketData.failing = true;
  await clock.advance(2 * minute);
  expect(cache.catalog('kite')?.size).toBe(100);
  expect(cache.states()[0]?.problem).toContain('the shard is not there');
  marketData.failing = false;
  marketData.master = master(rows.slice(0, 49), 'v2');
  await clock.advance(2 * minute);
  expect(cache.catalog('kite')?.size).toBe(100);
  expect(cache.states()[0]?.problem).toContain('shrank from 100 to 49');
  marketData.master = master(rows.slice(0, 60), 'v3');
  await clock.advance(30 * minute);
  expect(cache.catalog('kite')?.size).toBe(60);
  expect(cache.states()[0]?.problem).toBeUndefined();
  const asked = marketData.asked.instruments;
  await clock.advance(20 * 60 * minute);
  expect(marketData.asked.instruments).toBe(asked);
});

test('a master that stays small is believed in the end, an empty one never', async () => {
  cache.follow(sources);
  marketData.master = master(rows);
  await clock.advance(10);
  marketData.master = master(rows.slice(0, 10), 'small');
  cache.wantFresh('kite');
  await clock.advance(60 * minute);
  expect(cache.catalog('kite')?.size).toBe(10);
  marketData.master = master([], 'empty');
  cache.wantFresh('kite');
  await clock.advance(10 * 60 * minute);
  expect(cache.catalog('kite')?.size).toBe(10);
});

test('an unknown name asks for a fresh master, but not again within five minutes', async () => {
  cache.follow(sources);
  await clock.advance(10);
  for (let n = 0; n < 10; n++) {
    cache.wantFresh('kite');
    await clock.advance(1000);
  }
  expect(marketData.asked.instruments).toBe(2);
  expect(changes).toBe(1);
});

test('what expired yesterday does not resolve today, though the master is yesterday’s', async () => {
  marketData.master = master([...rows, instrument({ symbol: 'OLD', expiry: '2026-01-05' })]);
  cache.follow(sources);
  await clock.advance(10);
  expect(cache.catalog('kite')?.find('NSE:OLD')).toBeDefined();
  marketData.failing = true;
  await clock.advance(18 * 60 * minute);
  expect(cache.catalog('kite')?.find('NSE:OLD')).toBeUndefined();
});

test('a shard that never answers is given up on', async () => {
  marketData.instruments = () => new Promise(() => {});
  cache.follow(sources);
  await clock.advance(31_000);
  expect(cache.states()[0]?.problem).toContain('did not answer within 30 s');
});
