import { FaultyCluster } from '../../cluster/faulty-cluster.ts';
import { MemoryCluster } from '../../cluster/memory/memory-cluster.ts';
import { instrumentSets, leases, subscriptionSlices, tickerAccounts } from '../../cluster/resources.ts';
import { apiVersion, type InstrumentSet, type SubscriptionSlice, type TickerAccount } from '../../crds/index.ts';
import { FakeShard } from '../../operator/fake-shard.testing.ts';
import { FakeMarketData } from '../../operator/market-data.testing.ts';
import { createOperator } from '../../operator/operator.ts';
import type { OperatorObserver } from '../../operator/vitals.ts';
import { systemClock as clock, sleep } from '../../runtime/clock.ts';
import { silentLogger } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';

export const operatorScaleOf = { accounts: 50, instruments: 100_000, sets: 200, shards: 5 };

export interface ScaleResult {
  /** Seconds from the first apply to the last slice with all instruments. */
  readonly written: number;
  readonly slices: number;
  readonly placed: number;
  /** Requests of the operator to the API server until then, by verb, and in a time with nothing changing. */
  readonly requests: Readonly<Record<string, number>>;
  readonly idle: Readonly<Record<string, number>>;
  /** Milliseconds of the longest reconcile, and of the last, which had nothing to do. */
  readonly longest: number;
  readonly last: number;
  readonly rss: number;
}

/** Accounts, sets and shards that obey at once, on the in-memory cluster, in real time. */
export async function operatorScale(): Promise<ScaleResult> {
  const cluster = new MemoryCluster({ clock });
  const requests: Record<string, number> = {};
  const seen = new FaultyCluster(cluster, clock, {
    delay: ({ verb, resource }) => {
      const key = resource === leases ? 'lease' : `${verb} ${resource.kind}`;
      requests[key] = (requests[key] ?? 0) + 1;
      return 0;
    },
  });
  const marketData = new FakeMarketData();
  const instruments = Array.from({ length: operatorScaleOf.instruments }, (_, n) => ({
    ...{
      token: 1000 + n,
      exchange: 'NSE',
      symbol: `SHARE${n}`,
      name: `SHARE${n}`,
      segment: 'NSE',
      type: 'EQ' as const,
    },
    ...{ strike: 0, tickSize: 0.05, lotSize: 1 },
  }));
  marketData.master = { version: '1', loadedAt: clock.now(), instruments };
  let longest = 0;
  let last = 0;
  const observer: OperatorObserver = {
    waited: () => undefined,
    planned: () => undefined,
    wrote: () => undefined,
    handedOver: () => undefined,
    reconciled: (_, seconds) => {
      last = seconds * 1000;
      longest = Math.max(longest, last);
    },
  };
  const operator = createOperator({
    cluster: seen,
    marketData,
    clock,
    log: silentLogger,
    random: new SeededRandom(1),
    providers: ['kite'],
    providerLimits: () => ({ connections: 3, instrumentsPerConnection: 3000 }),
    identity: 'bench',
    observer,
  });
  const shards = Array.from({ length: operatorScaleOf.shards }, (_, n) =>
    new FakeShard(cluster, clock, `ticker-${n}`).start(),
  );
  await operator.start();
  const started = clock.monotonic();
  const user = { fieldManager: 'user' };
  for (let n = 0; n < operatorScaleOf.accounts; n++) {
    const metadata = { name: `account-${n}`, namespace: 'desk' };
    const spec = { provider: 'kite', credentials: { secretName: `login-${n}` } };
    await cluster.apply(tickerAccounts, { apiVersion, kind: 'TickerAccount', metadata, spec } as TickerAccount, user);
  }
  const each = operatorScaleOf.instruments / operatorScaleOf.sets;
  for (let n = 0; n < operatorScaleOf.sets; n++) {
    const metadata = { name: `set-${n}`, namespace: 'desk' };
    const names = Array.from({ length: each }, (_, k) => `NSE:SHARE${n * each + k}`);
    const spec = { mode: 'quote', instruments: names };
    await cluster.apply(
      instrumentSets,
      { apiVersion, kind: 'InstrumentSet', metadata, spec } as object as InstrumentSet,
      user,
    );
  }
  let slices: readonly SubscriptionSlice[] = [];
  let placed = 0;
  while (placed < operatorScaleOf.instruments && clock.monotonic() - started < 600_000) {
    await sleep(clock, 50);
    slices = (await cluster.list<SubscriptionSlice>(subscriptionSlices)).items;
    placed = slices.reduce(
      (sum, { spec }) => sum + spec.groups.reduce((n, group) => n + group.instruments.length, 0),
      0,
    );
  }
  const written = (clock.monotonic() - started) / 1000;
  const until = { ...requests };
  await settled(cluster);
  for (const key of Object.keys(requests)) requests[key] = 0;
  await sleep(clock, idleTime);
  const idle = Object.fromEntries(Object.entries(requests).filter(([, count]) => count > 0));
  const rss = process.memoryUsage().rss;
  await Promise.all([operator.stop(), ...shards.map((shard) => shard.stop())]);
  return { written, slices: slices.length, placed, requests: until, idle, longest, last, rss };
}

/** Milliseconds of looking on while nothing changes: more than the operator takes to look at everything again. */
const idleTime = 35_000;

/** Waits until no account or set has been written for a while. */
async function settled(cluster: MemoryCluster): Promise<void> {
  let before = '';
  for (let look = 0; look < 60; look++) {
    await sleep(clock, 5_000);
    const lists = await Promise.all(
      [tickerAccounts, instrumentSets, subscriptionSlices].map((kind) => cluster.list(kind)),
    );
    const now = lists.flatMap(({ items }) => items.map(({ metadata }) => metadata.resourceVersion)).join();
    if (now === before) return;
    before = now;
  }
}
