import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { freePort } from '../runtime/free-ports.testing.ts';
import { startRedis } from '../ticker/sinks/redis/redis-server.testing.ts';
import { accountYaml, setYaml } from './standalone.testing.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** `standalone` as a process of its own, on `folder`, with its spool in there. */
function standalone(folder: string, port: number) {
  const args = ['standalone', '-f', join(folder, 'all.yaml'), '--port', '0', '--shards', '1', '--log-level', 'info'];
  const more = ['--redis', `redis://127.0.0.1:${port}`, '--spool', join(folder, 'spool')];
  const child = spawn(join(import.meta.dirname, '../bin/ticker-operator'), [...args, ...more]);
  const ended = once(child, 'close');
  ends.push(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  return {
    end: async (signal: NodeJS.Signals): Promise<string> => {
      child.kill(signal);
      await ended;
      return output;
    },
    until: async (pattern: RegExp): Promise<void> => {
      await expect.poll(() => output, { timeout: 30_000 }).toMatch(pattern);
    },
  };
}

test('sealed, killed by SIGKILL with it, started again: what was spooled arrives, once', {
  timeout: 90_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'standalone-spool-'));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  const set = setYaml('banks', '  instruments: [NSE:HDFCBANK, NSE:SBIN, NSE:ICICIBANK]');
  writeFileSync(join(folder, 'all.yaml'), `${accountYaml('a')}\n---\n${set}`);
  const port = await freePort();

  const first = standalone(folder, port);
  await first.until(/"event":"connection.opened"/);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const sealed = await first.end('SIGINT');
  const spooled = Number(/spooled=(\d+)/.exec(sealed)?.[1]);
  expect(spooled, sealed).toBeGreaterThan(0);
  expect(sealed).toContain(`${spooled} ticks are sealed in`);
  expect(sealed).toMatch(/ published=0 .* lost=0 /);

  const second = standalone(folder, port);
  await second.until(new RegExp(`"event":"spool.restored".*"ticks":${spooled},`));
  await second.end('SIGKILL');

  const redis = await startRedis([], port);
  ends.push(() => redis.stop());
  const reader = new Redis(redis.url);
  ends.push(() => reader.disconnect());
  const batches = new Map<string, number>();
  let repeated = 0;
  reader.on('message', (_, text) => {
    const { slice, epoch, claim, seq, count, time } = JSON.parse(text);
    const key = `${slice} ${epoch}.${claim} ${seq} ${time}`;
    if (count > 0 && batches.has(key)) repeated++;
    if (count > 0) batches.set(key, count);
  });
  await reader.subscribe('ticks:default:banks');
  const third = standalone(folder, port);
  await third.until(/slice.live/);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const output = await third.end('SIGINT');
  const [, received, published] = /ticks_in=(\d+) published=(\d+) .*late=0 lost=0 spooled=0/.exec(output) ?? [];
  expect(Number(published), output).toBe(Number(received) + spooled);
  expect(repeated).toBe(0);
  await expect
    .poll(() => [...batches.values()].reduce((sum, count) => sum + count, 0), { timeout: 5_000 })
    .toBe(Number(published));
});
