import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger, LogThreshold } from '../runtime/log.ts';
import { logEvents } from '../runtime/log-events.ts';
import { runCli } from './run-cli.testing.ts';
import { accountYaml, StandaloneHarness, setYaml } from './standalone.testing.ts';

let harness: StandaloneHarness;
beforeEach(() => {
  harness = new StandaloneHarness();
});
afterEach(async () => void (await harness.stop()));

/** Of an account that is let in, and of one that is not. */
const secrets = ['demo-a', 'demo-token-a', 'refused-key', 'refused-token'];

test('whatever goes wrong, a line is an object with a known event, and holds no credential', async () => {
  const lines: string[] = [];
  harness.write('good.yaml', accountYaml('demo'));
  harness.write('refused.yaml', accountYaml('refused', '', 'refused-token', 'refused-key'));
  harness.write('set.yaml', setYaml('good', '  instruments: [NSE:INFY]'));
  await harness.start({ log: createLogger('trace', { write: (line) => void lines.push(line) }) });
  await harness.line(['set default/good: Ready']);
  const { faults } = harness.process.simulator!;
  faults.order({ fault: 'corruptFrame', kind: 'garbage', times: 2 });
  faults.order({ fault: 'stall', kind: 'silent' });
  const logged = (event: string): boolean => lines.some((line) => line.includes(`"event":"${event}"`));
  await expect
    .poll(() => logged('account.loginRefused') && logged('connection.failed'), { timeout: 20_000 })
    .toBe(true);
  await harness.process.drain();
  for (const line of lines) {
    const { event, level, time, msg } = JSON.parse(line);
    expect(Object.keys(logEvents)).toContain(event);
    expect([typeof level, typeof time, typeof msg]).toEqual(['string', 'string', 'string']);
    expect(line.slice(0, -1)).not.toContain('\n');
  }
  for (const secret of secrets) expect(lines.join('')).not.toContain(secret);
});

test('lines of one reconcile carry its number', async () => {
  const lines: { event: string; reconcile?: number }[] = [];
  harness.write('good.yaml', accountYaml('demo'));
  harness.write('set.yaml', setYaml('good', '  instruments: [NSE:INFY]'));
  const threshold = new LogThreshold('info');
  await harness.start({ log: createLogger(threshold, { write: (line) => void lines.push(JSON.parse(line)) }) });
  await harness.line(['set default/good: Ready']);
  const named = lines.find(({ event }) => event === 'slice.named');
  const applied = lines.filter(({ event }) => event === 'plan.applied').map(({ reconcile }) => reconcile);
  expect(applied).toContain(named?.reconcile);
});

test('a process takes another level from its file, and debug by a signal', async () => {
  const path = join(harness.folder, 'level');
  await writeFile(path, 'info');
  // Nobody listens at port 1.
  const redis = ['--redis', 'redis://127.0.0.1:1'];
  const level = ['--log-level', 'warn', '--log-level-file', path];
  const gateway = runCli('gateway', ...redis, '--port', '0', '--http-host', '127.0.0.1', '--http-port', '0', ...level);
  await gateway.until(/"event":"log.level","level":"info","before":"warn"/);
  gateway.signal('SIGUSR2');
  await gateway.until(/"event":"log.level","level":"debug","before":"info"/);
  gateway.interrupt();
  expect(await gateway.ended).toBe(0);
});
