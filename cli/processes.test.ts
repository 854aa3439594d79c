import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { leases } from '../cluster/resources.ts';
import { ClusterLab, LabReader, namespace } from './process/cluster-lab.testing.ts';
import type { LabProcess } from './process/lab-process.testing.ts';

vi.setConfig({ hookTimeout: 240_000, testTimeout: 180_000 });

/**
 * The three processes as a cluster runs them, on a real API server and a real Redis: one story, in order. There is no
 * kubelet: the test starts, kills and restarts the processes itself.
 */
describe('operator, shards and gateway as processes', () => {
  let lab: ClusterLab;
  let operators: LabProcess[];
  let shards: LabProcess[];
  let gateway: LabProcess;
  let leading: LabProcess;
  let reader: LabReader;
  let sliceNames: string[];

  beforeAll(async () => {
    lab = await ClusterLab.start();
    operators = [lab.operator('operator-0'), lab.operator('operator-1')];
    shards = [lab.shard('ticker-0'), lab.shard('ticker-1')];
    gateway = lab.gateway();
  });
  afterAll(() => lab?.stop());

  const ownersOf = async () => new Set((await lab.slices()).map(({ spec }) => spec.owner?.shard));

  it('what is applied streams to a reader at the gateway, from two shards', async () => {
    await Promise.all(shards.map((shard) => shard.says(/"event":"shard\.started"/)));
    const leased = async () =>
      (await lab.cluster.list(leases, { namespace })).items.map(({ metadata }) => metadata.name);
    await expect.poll(leased, { timeout: 30_000 }).toEqual(expect.arrayContaining(['ticker-0', 'ticker-1']));
    await lab.account('demo-a', { limits: { connections: 1, instrumentsPerConnection: 3 } });
    await lab.account('demo-b', { limits: { connections: 1, instrumentsPerConnection: 3 } });
    await lab.set('banks', {
      mode: 'full',
      instruments: ['NSE:HDFCBANK', 'NSE:SBIN', 'NSE:ICICIBANK', 'NSE:INFY', 'NSE:TCS', 'NSE:ITC'],
    });
    await expect.poll(() => lab.ready('banks'), { timeout: 60_000 }).toMatch(/^True/);
    expect(await ownersOf()).toEqual(new Set(['ticker-0', 'ticker-1']));
    sliceNames = (await lab.slices()).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    const [, port] = await gateway.says(/"event":"gateway\.listening","port":(\d+)/);
    const listed = async () => (await fetch(`http://127.0.0.1:${port}/v1/sets`)).text();
    await expect.poll(listed, { timeout: 30_000 }).toContain('banks');
    reader = new LabReader(Number(port), 'banks');
    await reader.ticksOf(sliceNames);
    for (const each of [...operators, ...shards, gateway]) expect(await each.readiness(), each.name).toBe(200);
    expect((await leased()).sort()).toEqual([
      'ticker-0',
      'ticker-1',
      'ticker-operator-leader',
      'ticker-operator-operator-0',
      'ticker-operator-operator-1',
    ]);
  });

  it('a killed shard: the other takes its slices over', async () => {
    await shards[1]!.kill();
    await expect.poll(ownersOf, { timeout: 30_000 }).toEqual(new Set(['ticker-0']));
    await reader.ticksOf(sliceNames);
    expect(reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0 });
  });

  it('a killed leader: the standby leads', async () => {
    const elected = (each: LabProcess) => each.output.includes('"event":"leader.elected"');
    const leader = operators.find(elected)!;
    const standby = operators.find((each) => !elected(each))!;
    leading = standby;
    const killedAt = performance.now();
    await leader.kill();
    await standby.says(/"event":"leader\.elected"/);
    expect(performance.now() - killedAt).toBeLessThan(20_000);
    await lab.set('more', { mode: 'ltp', instruments: ['NSE:SBIN'] });
    await expect.poll(() => lab.ready('more'), { timeout: 60_000 }).toMatch(/^True/);
    await reader.ticksOf(sliceNames);
  });

  it('SIGTERM: a shard hands its slices over and ends with 0', async () => {
    shards.push(lab.shard('ticker-2'));
    await shards[2]!.says(/"event":"shard\.started"/);
    shards[0]!.signal('SIGTERM');
    await expect.poll(ownersOf, { timeout: 60_000 }).toEqual(new Set(['ticker-2']));
    expect(await shards[0]!.ended).toBe(0);
    expect(shards[0]!.output).toMatch(/"event":"shard\.drained".*"lost":0/);
    await reader.ticksOf(sliceNames);
    expect(reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0 });
  });

  it('a rotated token: that account logs in anew, and the other is not disturbed', async () => {
    const logins = (account: string): number =>
      shards[2]!.output.split(`"account":"${namespace}/${account}","msg":"logged in"`).length;
    const before = [logins('demo-a'), logins('demo-b')];
    await lab.login('demo-a', { apiKey: 'demo-c', accessToken: 'demo-token-c' });
    await expect.poll(() => logins('demo-a'), { timeout: 30_000 }).toBe(before[0]! + 1);
    await reader.ticksOf(sliceNames);
    expect(logins('demo-b')).toBe(before[1]);
  });

  it('SIGTERM: the gateway closes with 1001, the operator ends with 0', async () => {
    gateway.signal('SIGTERM');
    expect(await reader.closed).toBe(1001);
    expect(await gateway.ended).toBe(0);
    leading.signal('SIGTERM');
    expect(await leading.ended).toBe(0);
  });

  it('nothing that is logged holds a credential', () => {
    const logged = [...operators, ...shards, gateway].map(({ output }) => output).join('\n');
    for (const secret of ['demo-token-a', 'demo-token-b', 'demo-token-c']) expect(logged).not.toContain(secret);
  });
});
