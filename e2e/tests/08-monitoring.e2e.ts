import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentedNames } from '../../cli/metrics-reference.ts';
import { asked, dashboards, panelsOf } from '../../monitoring/dashboards/index.ts';
import { mendBroker, orderBroker } from '../lab/broker.ts';
import { eventually } from '../lab/command.ts';
import { applyDesk, clearDesk, recovered, waitReady } from '../lab/desk.ts';
import { apply, kubectl } from '../lab/kubectl.ts';
import { desk, fixture, gatewayPods, imagesFromEnvironment, release, shardPods, system, upgrade } from '../lab/lab.ts';
import {
  installMonitoring,
  monitoring,
  prometheus,
  receivedAlerts,
  uninstallMonitoring,
  waitQuery,
} from '../lab/monitoring.ts';
import { ownNodes, signalPod } from '../lab/nodes.ts';
import { get, list, pods } from '../lab/objects.ts';
import { quickRules } from '../lab/quick-rules.ts';

/**
 * The chart's monitors, rules and dashboards with a real prometheus-operator, Prometheus and Alertmanager: alerts fire because
 * what they tell of happens, every panel has series, every metric of the reference page is scraped.
 */
const monitored = [
  ...['serviceMonitor', 'podMonitor'].flatMap((monitor) => [
    `metrics.${monitor}.enabled=true`,
    `metrics.${monitor}.interval=2s`,
    `metrics.${monitor}.scrapeTimeout=2s`,
  ]),
  'metrics.prometheusRule.enabled=true',
  'metrics.dashboards.enabled=true',
  // Small enough to be filled.
  'shards.spool.mebibytes=16',
];

beforeAll(async () => {
  await applyDesk();
  await installMonitoring();
  await upgrade(imagesFromEnvironment(), ...monitored);
  await apply(quickRules(), monitoring);
  await recovered();
}, 1_500_000);

afterAll(async () => {
  await uninstallMonitoring();
  await upgrade(imagesFromEnvironment());
  await clearDesk();
}, 600_000);

/** Alerts that fired here, in order. */
const fired = new Set<string>();
const firing = (name: string): string => `ALERTS{alertname="${name}", alertstate="firing", quick="yes"}`;

/** Waits until each fires, and Alertmanager has it. */
async function fires(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await waitQuery(firing(name), 180_000);
    await eventually(`Alertmanager has ${name}`, async () => {
      const alerts = await receivedAlerts();
      return alerts.some(({ alertname }) => alertname === name) ? true : undefined;
    });
    fired.add(name);
  }
}

/** Waits until nothing fires any more but the watchdog. */
async function calm(): Promise<void> {
  await recovered();
  await eventually(
    'no alert fires',
    async () => {
      const still = await prometheus.query('ALERTS{alertname!="TickerWatchdog", alertstate="firing", quick="yes"}');
      if (still.length > 0) throw new Error(still.map(({ labels }) => labels['alertname']).join(', '));
      return true;
    },
    { timeout: 240_000, interval: 1000 },
  );
}

const secret = (accessToken: string): Promise<string> =>
  apply(
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'kite-demo-a' } },
      stringData: { apiKey: 'demo-a', accessToken },
    }),
    desk,
  );

/** Asks the gateway for a set that nobody publishes, and for its list. */
async function askGateway(): Promise<void> {
  const script = `
    const socket = new WebSocket('ws://${release}-gateway/v1/stream?set=desk/nobody');
    socket.onerror = () => undefined;
    await fetch('http://${release}-gateway/v1/sets');
    setTimeout(() => process.exit(0), 1000);`;
  const node = ['node', '--input-type=module', '-e', script];
  await kubectl(['exec', '-n', system, 'deployment/reader', '--', ...node]);
}

/** Takes an object of the release away while something is waited for, and puts it back. */
async function without(kind: string, names: readonly string[], wait: () => Promise<void>): Promise<void> {
  const kept = await Promise.all(
    names.map(async (name) => JSON.parse(await kubectl(['get', kind, name, '-n', system, '-o', 'json']))),
  );
  await kubectl(['delete', kind, ...names, '-n', system]);
  try {
    await wait();
  } finally {
    for (const { metadata, status: _, ...rest } of kept) {
      const { name, labels, annotations } = metadata;
      await apply(JSON.stringify({ ...rest, metadata: { name, labels, annotations } }), system);
    }
  }
}

describe('alerts fire because it happens', () => {
  it('every part is scraped, and all is well', async () => {
    await waitQuery('count(up{job="ticker-operator"} == 1) == 2');
    await waitQuery('count(up{job="ticker-gateway"} == 1) == 2');
    await waitQuery('count(up{job="ticker-shard"} == 1) == 2');
    await waitQuery('count(ticker_operator_leading == 1) == 1');
    await fires('TickerWatchdog');
    await calm();
  });

  it('a token that the broker refuses', async () => {
    await secret('mistyped-token-value');
    await fires('TickerCredentialsRefused');
    // The connection that is open goes on until the broker ends it.
    await orderBroker({ fault: 'disconnect', apiKey: 'demo-a' });
    await fires('TickerAccountDown', 'TickerSetsNotReady');
    await secret('demo-token-a');
    await waitReady();
    await calm();
  });

  it('more instruments than the account may stream', async () => {
    const limits = (value: object | null) =>
      kubectl([
        ...['patch', 'tickeraccount', 'demo-a', '-n', desk, '--type=merge', '-p'],
        JSON.stringify({ spec: { limits: value } }),
      ]);
    await limits({ connections: 1, instrumentsPerConnection: 2 });
    await fires('TickerCapacityExhausted');
    await limits(null);
    await waitReady();
    await calm();
  });

  it('a broker that sends rubbish, and one that sends nothing', async () => {
    await orderBroker({ fault: 'corruptFrame', kind: 'truncatedFrame', apiKey: 'demo-a', times: 1000 });
    await fires('TickerFramesMalformed');
    await mendBroker();
    await orderBroker({ fault: 'refuseUpgrade', apiKey: 'demo-a', status: 429, times: 2 });
    await orderBroker({ fault: 'dropSubscribed', apiKey: 'demo-a', share: 1, times: 1000 });
    await orderBroker({ fault: 'disconnect', apiKey: 'demo-a' });
    await fires('TickerTicksStale');
    await mendBroker();
    await orderBroker({ fault: 'disconnect', apiKey: 'demo-a' });
    await calm();
  });

  it('Redis is away until the spool is full, and then loses what it had', async () => {
    await apply(await fixture('burst.yaml'), desk);
    await waitReady();
    const redis = (replicas: number) =>
      kubectl(['scale', 'statefulset', 'redis', '-n', system, `--replicas=${replicas}`]);
    await redis(0);
    await fires('TickerRedisUnreachable', 'TickerSpoolFilling', 'TickerSpoolNearlyFull', 'TickerTicksDropped');
    await kubectl(['delete', 'instrumentset', 'burst', '-n', desk]);
    await redis(1);
    await recovered();
    await kubectl(['exec', '-n', system, 'redis-0', '--', 'redis-cli', 'flushall']);
    await fires('TickerTicksLostBySink');
    await calm();
  });

  it('two shards say that they stream one slice', async () => {
    const [slice] = await list('subscriptionslice', desk);
    const running = (await pods(system, shardPods)).filter(({ ready }) => ready);
    const name = slice?.metadata.name ?? '';
    const status = (await get('subscriptionslice', desk, name)).status as {
      readonly shards?: readonly { readonly shard: string; readonly phase: string }[];
    };
    const own = status.shards?.find(({ phase }) => phase === 'Streaming');
    const other = running.find((pod) => pod.name !== own?.shard);
    // Nothing that works right does this: it is written here as a shard would that does not know it was refused.
    const others = (status.shards ?? []).filter(({ shard }) => shard !== other?.name);
    const shards = [...others, { ...own, shard: other?.name, uid: other?.uid }];
    const patch = (value: unknown) =>
      kubectl([
        ...['patch', 'subscriptionslice', name, '-n', desk, '--subresource=status', '--type=merge', '-p'],
        JSON.stringify({ status: { shards: value } }),
      ]);
    await patch(shards);
    await fires('TickerDoubleOwned');
    await patch(others);
    await calm();
  });

  it('no node for the ticker pods, and then nothing is scraped at all', async () => {
    const nodes = (await kubectl(['get', 'nodes', '-o', 'name'])).trim().split('\n');
    await kubectl(['cordon', ...nodes.map((node) => node.replace('node/', ''))]);
    try {
      await kubectl(['delete', 'pod', '-n', system, '-l', shardPods, '--grace-period=1', '--wait=false']);
      await fires('TickerSlicesUnowned', 'TickerShardsAbsent', 'TickerShardsNotReady');
      const services = [`${release}-operator-metrics`, `${release}-gateway-metrics`];
      await without('service', services, () => fires('TickerNoData'));
    } finally {
      await kubectl(['uncordon', ...nodes.map((node) => node.replace('node/', ''))]);
    }
    await calm();
  });

  it('nobody may write leases', async () => {
    const roles = [`${release}-operator`, `${release}-shard`];
    await without('role', roles, () => fires('TickerNoLeader', 'TickerLeaseLate'));
    await calm();
  });

  it.runIf(ownNodes)('a process that hangs', async () => {
    const [pod] = await pods(system, gatewayPods);
    if (pod === undefined) throw new Error('no gateway');
    await signalPod(pod, 'STOP', 'gateway');
    await fires('TickerTargetDown');
    await signalPod(pod, 'CONT', 'gateway').catch(() => undefined);
    await calm();
  });

  it('nothing is scraped of the operator', async () => {
    await without('service', [`${release}-operator-metrics`], () => fires('TickerOperatorAbsent'));
    await calm();
  });

  it('at least 12 of them have, and Alertmanager has each', () => {
    process.stdout.write(`\nalerts that fired because it happened: ${[...fired].join(', ')}\n`);
    expect(fired.size).toBeGreaterThan(12);
  });
});

describe('what Prometheus has', () => {
  it('series for each query of each panel', async () => {
    // Packets with an exchange's time, and what the first event of a kind makes, which is asked for over 5 minutes.
    await apply(await fixture('deep.yaml'), desk);
    await orderBroker({ fault: 'refuseUpgrade', apiKey: 'demo-a', status: 429, times: 2 });
    await orderBroker({ fault: 'disconnect', apiKey: 'demo-a' });
    await secret('mistyped-token-value');
    await waitQuery('sum(increase(ticker_login_failures_total[1m])) > 0');
    await secret('demo-token-a');
    await recovered();
    await waitQuery('sum(increase(ticker_connections_refused_total[2m])) > 0');
    const asks = Object.values(dashboards).flatMap((dashboard) =>
      panelsOf(dashboard).flatMap(({ title, queries }) =>
        queries.map(({ expr, legend }) => ({ where: `${dashboard.title} | ${title} | ${legend}`, expr, series: 0 })),
      ),
    );
    // A rate is there after two scrapes. What happened once is soon out of its window: what had series is not asked again.
    const each = async () => {
      for (const ask of asks) if (ask.series === 0) ask.series = (await prometheus.query(asked(ask.expr, '1m'))).length;
      const empty = asks.filter(({ series }) => series === 0);
      if (empty.length > 0) throw new Error(empty.map(({ where, expr }) => `${where}: ${expr}`).join('; '));
      return true;
    };
    await eventually('each query has series', each, { interval: 1000 });
    const rows = asks.map(({ where, series }) => `| ${where} | ${series} |`);
    process.stdout.write(`\n| dashboard | panel | query | series |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`);
  });

  it('each metric of the reference page, and none that is not on it', async () => {
    await askGateway();
    const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'reference', 'metrics.md'), 'utf8');
    const documented = documentedNames(page);
    const seen = new Map<string, number>();
    const count = async (): Promise<void> => {
      seen.clear();
      const samples = await prometheus.query('count by (__name__) (last_over_time({job=~"ticker-.+"}[2h]))');
      for (const { labels, value } of samples) {
        const series = labels['__name__'] ?? '';
        const name = documented.includes(series) ? series : series.replace(/_(bucket|sum|count)$/, '');
        seen.set(name, (seen.get(name) ?? 0) + value);
      }
    };
    await eventually('each metric is scraped', async () => {
      await count();
      const missing = documented.filter((name) => !seen.has(name));
      if (missing.length > 0) throw new Error(missing.join(', '));
      return true;
    });
    const ours = [...seen.keys()].filter((name) => !/^(up$|scrape_|ALERTS)/.test(name));
    expect(ours.filter((name) => !documented.includes(name))).toEqual([]);
    const rows = documented.map((name) => `| \`${name}\` | ${seen.get(name)} |`);
    process.stdout.write(`\n| metric | series |\n| --- | --- |\n${rows.join('\n')}\n`);
  });

  it('no rule that cannot be evaluated', async () => {
    const rules = await prometheus.rules();
    expect(rules.length).toBeGreaterThan(100);
    expect(rules.filter(({ lastError }) => lastError !== '')).toEqual([]);
  });
});
