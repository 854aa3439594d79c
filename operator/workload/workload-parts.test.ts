import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { SubscriptionSlice, TickerAccount } from '../../crds/index.ts';
import { accessOf, secretsByNamespace } from './access.ts';
import { CanaryErrors } from './canary-errors.ts';
import { parseConfig } from './config.ts';
import { ordinalOf } from './names.ts';
import { readPodCounts } from './pod-metrics.ts';

const template = 'template: { spec: { serviceAccountName: shard, containers: [{ name: shard, image: x }] } }';

describe('configuration', () => {
  test('defaults, and what a pod spec holds is kept', () => {
    const { shards } = parseConfig(`shards: { max: 4, ${template} }`);
    expect(shards).toMatchObject({ name: 'ticker', min: 1, max: 4, rollout: { watchSeconds: 60 } });
    expect(shards.template.spec.containers).toEqual([{ name: 'shard', image: 'x' }]);
  });

  test.each([
    [`shards: { min: 5, max: 2, ${template} }`, 'shards.max'],
    [`shards: { mni: 5, ${template} }`, 'mni'],
    ['shards: { template: { spec: { containers: [] } } }', 'shards.template.spec.serviceAccountName'],
    ['shards: [', 'YAML'],
    ['', 'the file'],
  ])('%s is refused, naming %s', (text, part) => {
    expect(() => parseConfig(text)).toThrow(part);
  });
});

describe('who may read which Secrets', () => {
  const account = (namespace: string, secretName: string) =>
    ({ metadata: { namespace, name: secretName }, spec: { credentials: { secretName } } }) as TickerAccount;
  const slice = (namespace: string, secretName: string) =>
    ({ metadata: { namespace, name: 's' }, spec: { login: { credentials: { secretName } } } }) as SubscriptionSlice;

  test('exactly those that accounts and slices name, by namespace', () => {
    const accounts = [account('b', 'y'), account('a', 'z'), account('a', 'x'), account('a', 'x')];
    const wanted = secretsByNamespace(accounts, [slice('a', 'former')]);
    expect([...wanted]).toEqual([
      ['b', ['y']],
      ['a', ['former', 'x', 'z']],
    ]);
    const { role, binding } = accessOf('a', ['x'], { serviceAccount: 'shard', namespace: 'system' });
    expect(role.rules).toEqual([
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['x'], verbs: ['get', 'list', 'watch'] },
    ]);
    expect(binding.subjects).toEqual([{ kind: 'ServiceAccount', name: 'shard', namespace: 'system' }]);
  });
});

test('ordinals are those of our own pods', () => {
  expect(
    ['ticker-0', 'ticker-12', 'ticker-01', 'ticker-x', 'other-1'].map((name) => ordinalOf('ticker', name)),
  ).toEqual([0, 12, undefined, undefined, undefined]);
});

test('errors are rates since the watch began, of the first pod and of the others', () => {
  const errors = new CanaryErrors();
  const counts = (a: number, b: number) =>
    new Map([
      ['a', { errors: a, held: 0 }],
      ['b', { errors: b, held: 0 }],
    ]);
  errors.observe('w', counts(100, 1000), 0);
  errors.observe('w', counts(104, 1002), 120_000);
  expect(errors.rates('a', 120_000)).toEqual({ canary: 2, others: 1 });
  // Its container was restarted, and counts anew.
  errors.observe('w', counts(3, 1002), 150_000);
  expect(errors.rates('a', 150_000)?.canary).toBe(0);
  errors.observe('another', counts(3, 1002), 160_000);
  expect(errors.rates('a', 160_000)).toEqual({ canary: 0, others: 0 });
  expect(errors.rates('unknown', 160_000)).toBeUndefined();
});

test("a pod's metrics are summed; one that does not answer says nothing", async () => {
  const text = [
    'ticker_log_lines_total{level="error"} 2',
    'ticker_log_lines_total{level="fatal"} 1',
    'ticker_log_lines_total{level="info"} 900',
    'ticker_task_failures_total{task="slice: delivery"} 4',
    'ticker_outbox_ticks{shard="ticker-0",account="a/b"} 5',
    'ticker_outbox_ticks{shard="ticker-0",account="a/c"} 6',
  ];
  const server = createServer((_request, response) => response.end(text.join('\n'))).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  expect(await readPodCounts(`127.0.0.1:${port}`)).toEqual({ errors: 7, held: 11 });
  await new Promise((resolve) => server.close(resolve));
  expect(await readPodCounts(`127.0.0.1:${port}`)).toBeUndefined();
});
