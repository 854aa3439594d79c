import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sleep, systemClock } from '../runtime/clock.ts';
import { ClusterLab, LabReader } from './process/cluster-lab.testing.ts';
import type { LabProcess } from './process/lab-process.testing.ts';

vi.setConfig({ hookTimeout: 240_000, testTimeout: 180_000 });

/** What goes on while something is away: one story, in order. */
describe('API server and operator away', () => {
  let lab: ClusterLab;
  let operator: LabProcess;
  let shard: LabProcess;
  let reader: LabReader;
  let slices: string[];
  /** Owners and epochs: nothing of what follows may change them. */
  let before: string[];

  beforeAll(async () => {
    lab = await ClusterLab.start();
    operator = lab.operator('operator-0');
    shard = startShard();
  });
  afterAll(() => lab?.stop());

  /** The container is started (again) in the same pod, with its volume. */
  function startShard(): LabProcess {
    return lab.shard('ticker-0', { uid: 'pod-of-ticker-0', more: ['--spool', join(lab.directory, 'spool')] });
  }

  const named = async () =>
    (await lab.slices()).map(({ spec }) => `${spec.owner?.shard}/${spec.owner?.uid} ${spec.epoch}`);

  it('ticks go on while the API server is away', async () => {
    await lab.account('demo-a');
    const delivery = { stream: { maxLength: 1000 } };
    await lab.set('banks', { mode: 'full', instruments: ['NSE:SBIN', 'NSE:ICICIBANK'], delivery });
    await expect.poll(() => lab.ready('banks'), { timeout: 60_000 }).toMatch(/^True/);
    slices = (await lab.slices()).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    const [, port] = await lab.gateway().says(/"event":"gateway\.listening","port":(\d+)/);
    const listed = async () => (await fetch(`http://127.0.0.1:${port}/v1/sets`)).text();
    await expect.poll(listed, { timeout: 30_000 }).toContain('banks');
    reader = new LabReader(Number(port), 'banks');
    await reader.ticksOf(slices);
    before = await named();
    await lab.server.stopApiServer();
    for (let second = 0; second < 5; second++) {
      await sleep(systemClock, 1_000);
      await reader.ticksOf(slices);
    }
    expect(reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0, unproven: 0, told: 0 });
    expect(await shard.readiness()).toBe(200);
  });

  it('a container that dies then starts from its spool, and streams when the API server is back, under its own name', async () => {
    await shard.kill();
    shard = startShard();
    await shard.says(/"event":"shard\.started"/);
    await expect.poll(() => shard.readiness(), { timeout: 30_000 }).toBe(200);
    await lab.server.startApiServer();
    await reader.ticksOf(slices, 90_000);
    expect(await named()).toEqual(before);
    // The new claim names what came before it; what the dead one had received is told as a gap.
    expect(reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0 });
    expect(reader.sequence.totals.told).toBeGreaterThan(0);
  });

  it('without an operator ticks go on, and a container that dies takes up its slices again', async () => {
    await operator.kill();
    await reader.ticksOf(slices);
    await shard.kill();
    shard = startShard();
    await reader.ticksOf(slices, 90_000);
    expect(await named()).toEqual(before);
    expect(reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0 });
  });

  it('a reader that was cut off goes on at another gateway, and both want the token', async () => {
    const file = join(lab.directory, 'tokens');
    writeFileSync(file, 'a-token-of-some-length\n');
    const other = lab.gateway(['--token-file', file]);
    const [, port] = await other.says(/"event":"gateway\.listening","port":(\d+)/);
    expect((await fetch(`http://127.0.0.1:${port}/v1/sets`)).status).toBe(401);
    reader.end();
    await reader.closed;
    await sleep(systemClock, 1_500);
    const resumed = new LabReader(Number(port), 'banks', { token: 'a-token-of-some-length', after: reader });
    await resumed.ticksOf(slices);
    expect(reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0 });
    resumed.end();
  });
});
