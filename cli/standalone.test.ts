import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { startRedis } from '../ticker/sinks/redis/redis-server.testing.ts';
import { run, runCli } from './run-cli.testing.ts';
import { accountYaml, StandaloneHarness, setYaml } from './standalone.testing.ts';

let harness: StandaloneHarness | undefined;
afterEach(async () => {
  await harness?.stop();
  harness = undefined;
});

test('the demo proves itself', { timeout: 120_000 }, async () => {
  const demo = run('make', ['-s', 'demo', 'QUICK=1']);
  expect(await demo.ended, demo.output()).toBe(0);
  const last = demo.output().trimEnd().split('\n').at(-1);
  expect(last).toMatch(/^demo: ticks_in=[1-9]\d* published=([1-9]\d*) received=\1 lost=0$/);
});

test('on Redis an independent reader gets every batch that was published', { timeout: 120_000 }, async () => {
  const server = await startRedis();
  const reader = new Redis(server.url);
  const last = new Map<string, number>();
  const received = { batches: 0, ticks: 0, broken: 0 };
  reader.on('pmessage', (_pattern, _channel, text) => {
    const batch = JSON.parse(text) as {
      set: string;
      slice: string;
      epoch: number;
      claim: number;
      seq: number;
      count: number;
    };
    if (batch.count === 0) return;
    const stream = `${batch.set} ${batch.slice} ${batch.epoch}.${batch.claim}`;
    if (batch.seq !== (last.get(stream) ?? 0) + 1) received.broken++;
    last.set(stream, batch.seq);
    received.batches++;
    received.ticks += batch.count;
  });
  await reader.psubscribe('ticks:*');
  const standalone = runCli('standalone', '-f', 'samples/', '--redis', server.url, '--port', '0');
  await expect.poll(() => received.ticks, { timeout: 20_000 }).toBeGreaterThan(500);
  standalone.interrupt();
  expect(await standalone.ended, standalone.output()).toBe(0);
  const summary = /summary: ticks_in=(\d+) published=(\d+) batches=(\d+) .*lost=(\d+)/.exec(standalone.output())!;
  expect(received.broken).toBe(0);
  expect({ published: Number(summary[2]), batches: Number(summary[3]), lost: Number(summary[4]) }).toEqual({
    published: received.ticks,
    batches: received.batches,
    lost: 0,
  });
  reader.disconnect();
  await server.stop();
});

test('tail reads a set from the gateway and from Redis, and says that nothing is missing', {
  timeout: 60_000,
}, async () => {
  const server = await startRedis();
  const standalone = runCli('standalone', '-f', 'samples/', '--redis', server.url, '--port', '0');
  const [, gateway] = await standalone.until(/gateway\s+http(\S+?)\/?\n/);
  await standalone.until(/set default\/nifty-weekly: Ready/);
  const overWebSocket = runCli('tail', 'nifty-weekly', '--gateway', `ws${gateway}`, '--count', '5');
  const overRedis = runCli('tail', 'default/equities', '--redis', server.url, '--count', '5', '--format', 'json');
  expect(await overWebSocket.ended, overWebSocket.output()).toBe(0);
  expect(overWebSocket.output()).toMatch(/NFO:NIFTY\S+ .*%/);
  expect(overWebSocket.output()).toMatch(/tail: batches=5 .*missing=0 duplicates=0/);
  expect(await overRedis.ended, overRedis.output()).toBe(0);
  expect(overRedis.output()).toMatch(/"symbol":"NSE:\w+"/);
  const unknown = runCli('tail', 'nothing', '--gateway', `ws${gateway}`);
  expect(await unknown.ended).toBe(1);
  expect(unknown.output()).toContain('default/equities');
  standalone.interrupt();
  expect(await standalone.ended).toBe(0);
  await server.stop();
});

test('a changed file is applied, the change shown, and nothing else disturbed', { timeout: 120_000 }, async () => {
  harness = new StandaloneHarness();
  harness.write('account.yaml', accountYaml('demo'));
  harness.write('a.yaml', setYaml('a', '  instruments: [NSE:INFY, NSE:TCS]'));
  harness.write('b.yaml', setYaml('b', '  mode: full\n  instruments: [NSE:SBIN]'));
  await harness.start();
  await harness.line(['set default/a: Ready']);
  await harness.line(['set default/b: Ready']);
  const { simulator } = harness.process;
  const [connection] = simulator!.connections;
  const before = connection!.received.length;
  const infosys = simulator!.instrument('NSE:INFY')!.token;
  const reliance = simulator!.instrument('NSE:RELIANCE')!.token;
  const ticksBefore = simulator!.ticksSent(infosys);

  let seen = harness.lines.length;
  harness.write('a.yaml', setYaml('a', '  instruments: [NSE:INFY, NSE:TCS, NSE:RELIANCE]'));
  await harness.line(['changed InstrumentSet default/a'], seen);
  await harness.line(['spec.instruments: + NSE:RELIANCE'], seen);
  await harness.line(['set default/a: Ready', '3 instruments'], seen);
  await expect.poll(() => simulator!.ticksSent(reliance), { timeout: 30_000 }).toBeGreaterThan(2);
  const messages = connection!.received.slice(before);
  const subscribes = messages.filter(({ text }) => text.includes('"subscribe"'));
  expect(subscribes.map(({ text }) => JSON.parse(text))).toEqual([{ a: 'subscribe', v: [reliance] }]);
  expect(messages.some(({ text }) => text.includes('"unsubscribe"'))).toBe(false);
  expect(simulator!.connections.filter((each) => each.received.length > 0)).toHaveLength(1);
  expect(simulator!.ticksSent(infosys)).toBeGreaterThan(ticksBefore);

  seen = harness.lines.length;
  harness.write('b.yaml', '');
  await harness.line(['deleted InstrumentSet default/b'], seen);
  const sbin = simulator!.instrument('NSE:SBIN')!.token;
  await expect
    .poll(() => connection!.received.at(-1)?.text, { timeout: 30_000 })
    .toBe(JSON.stringify({ a: 'unsubscribe', v: [sbin] }));
  const summary = await harness.stop();
  harness = undefined;
  expect(summary).toMatchObject({ lost: 0, invalid: 0 });
});

test('validate says file, line, field and remedy, and fails', async () => {
  const good = runCli('validate', 'samples/');
  expect(await good.ended, good.output()).toBe(0);
  harness = new StandaloneHarness();
  harness.write('bad.yaml', setYaml('bad', '  instrumnets: [NSE:SBIN]'));
  const bad = runCli('validate', harness.folder);
  expect(await bad.ended).toBe(1);
  expect(bad.output()).toMatch(/bad\.yaml:5:\d+.*instrumnets.*instruments/);
});

test('help and version tell what a user needs', async () => {
  const help = runCli('--help');
  expect(await help.ended).toBe(0);
  for (const command of ['standalone', 'simulator', 'tail', 'validate', 'version'])
    expect(help.output()).toContain(command);
  const version = runCli('version');
  expect(await version.ended).toBe(0);
  expect(version.output()).toMatch(
    /ticker-operator \d+\.\d+\.\d+ \(API ticker-operator\.io\/v1alpha1, delivery v1, Node 24/,
  );
  const wrong = runCli('standalone', '-f', 'no-such-folder');
  expect(await wrong.ended).toBe(1);
  expect(wrong.output()).toContain('CLI_NO_SUCH_FILE');
  const typo = runCli('standalon');
  expect(await typo.ended).toBe(1);
  expect(typo.output()).toContain('standalone');
});
