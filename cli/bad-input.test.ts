import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sleep, systemClock } from '../runtime/clock.ts';
import { createLogger } from '../runtime/log.ts';
import { accountYaml, StandaloneHarness, setYaml } from './standalone.testing.ts';

/**
 * Bad input of every kind, while a good set streams: each is told with what is wrong and what to do, and the good set
 * goes on.
 */
let harness: StandaloneHarness;

beforeEach(() => {
  harness = new StandaloneHarness();
  harness.write('account.yaml', accountYaml('demo'));
  harness.write('good.yaml', setYaml('good', '  instruments: [NSE:INFY, NSE:TCS]'));
});

afterEach(async () => {
  await harness.stop();
});

/** Waits until the good set ticks on from now. */
async function goodSetTicks(): Promise<void> {
  await harness.line(['set default/good: Ready']);
  const before = await latest();
  const deadline = systemClock.monotonic() + 10_000;
  while ((await latest()) === before) {
    if (systemClock.monotonic() > deadline) throw new Error('the good set does not tick any more');
    await sleep(systemClock, 50);
  }
}

async function latest(): Promise<string> {
  return (await fetch(`${await harness.gateway()}/v1/sets/default/good/latest`)).text();
}

test.each([
  ['malformed YAML', 'spec: [', ['bad.yaml', ':']],
  ['an unknown field', setYaml('bad', '  instrumnets: [NSE:SBIN]'), ['bad.yaml', 'instrumnets', 'instruments']],
  [
    'a kind that does not exist',
    'apiVersion: ticker-operator.io/v1alpha1\nkind: TickerAcount\nmetadata: { name: x }\n',
    ['bad.yaml', 'TickerAcount', 'TickerAccount'],
  ],
  [
    'a field that has not landed',
    setYaml('bad', '  instruments: [NSE:SBIN]\n  backfill: { days: 1 }'),
    ['bad.yaml', 'spec.backfill', 'not supported yet'],
  ],
  [
    'a contradictory selector',
    setYaml('bad', '  selectors:\n    - { exchange: NSE, types: [EQ], expiries: { nearest: 1 } }'),
    ['bad.yaml', 'spec.selectors[0]', 'expir'],
  ],
  [
    'both kinds of expiries',
    setYaml(
      'bad',
      "  selectors:\n    - { exchange: NFO, types: [FUT], expiries: { nearest: 1, dates: ['2026-12-31'] } }",
    ),
    ['bad.yaml', 'expiries', 'not both'],
  ],
  ['nothing to stream', setYaml('bad', '  mode: ltp'), ['bad.yaml', 'instruments']],
])('%s', async (_name, yaml, parts) => {
  harness.write('bad.yaml', yaml);
  await harness.start();
  await harness.line(['error: ', ...parts]);
  await goodSetTicks();
});

test('an unknown symbol names its nearest neighbours', async () => {
  harness.write('bad.yaml', setYaml('bad', '  instruments: [NSE:RELIANC, NSE:SBIN]'));
  await harness.start();
  await harness.line(['set default/bad: not ready', 'NSE:RELIANC', 'NSE:RELIANCE']);
  await goodSetTicks();
});

test('more instruments than capacity', async () => {
  harness.write('account.yaml', accountYaml('demo', '  limits: { connections: 1, instrumentsPerConnection: 4 }'));
  harness.write('many.yaml', setYaml('many', '  instruments: [NSE:SBIN, NSE:ITC, NSE:LT, NSE:WIPRO]'));
  await harness.start();
  await harness.line(['set default/many: not ready', '2 of 4', 'capacity', 'TickerAccount']);
  await goodSetTicks();
});

test('a wrong token: one account is refused, once, and resumes when its Secret is right', async () => {
  harness.write('wrong.yaml', accountYaml('wrong', '', 'no-such-token', 'demo-b'));
  await harness.start();
  await harness.line(['account default/wrong: not ready', 'Secret']);
  await goodSetTicks();
  expect(harness.lines.join('\n')).not.toContain('no-such-token');
  const seen = harness.lines.length;
  harness.write('wrong.yaml', accountYaml('wrong', '', 'demo-token-b', 'demo-b'));
  await harness.line(['account default/wrong: Ready'], seen);
});

test('a Secret that is not there', async () => {
  harness.write('lost.yaml', accountYaml('lost', '', 'x', 'demo-b').split('---\n')[1]!);
  await harness.start();
  await harness.line(['account default/lost: not ready', 'Secret']);
  await goodSetTicks();
});

test('a provider that does not exist names those that do', async () => {
  harness.write('odd.yaml', accountYaml('odd').replace('provider: kite', 'provider: kyte'));
  await harness.start();
  await harness.line(['account default/odd: not ready', 'kyte', 'kite']);
  await goodSetTicks();
});

test('frames that are truncated, of unknown length or garbage cost nothing but themselves', async () => {
  await harness.start();
  await goodSetTicks();
  const { faults } = harness.process.simulator!;
  for (const kind of ['truncatedFrame', 'unknownPacket', 'missingPackets', 'overlongPacket', 'garbage'] as const) {
    expect(faults.order({ fault: 'corruptFrame', kind, times: 2 }).touched).toBeGreaterThan(0);
    await goodSetTicks();
  }
});

test('a silent connection is told and opened again', async () => {
  const logged: string[] = [];
  await harness.start({ log: createLogger('warn', { write: (line) => void logged.push(line) }) });
  await goodSetTicks();
  harness.process.simulator!.faults.order({ fault: 'stall', kind: 'silent' });
  const silent = (line: string): boolean =>
    line.includes('PROVIDER_CONNECTION_SILENT') && line.includes('default/demo');
  await expect.poll(() => logged.some(silent), { timeout: 15_000 }).toBe(true);
  await goodSetTicks();
});

test('Redis absent at the start', async () => {
  const port = await unusedPort();
  await harness.start({ redis: `redis://127.0.0.1:${port}` });
  await harness.line(['error: redis: ', String(port), 'SINK_UNAVAILABLE']);
  await harness.line(['account default/demo: Ready']);
});

test('a port in use', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await harness.start({ port });
  await harness.line(['error: gateway: ', String(port), 'Choose another port']);
  await harness.line(['set default/good: Ready']);
  server.close();
  await goodSetTicks();
});

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
