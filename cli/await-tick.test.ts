import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../runtime/clock.ts';
import { type RedisServer, startRedis } from '../ticker/sinks/redis/redis-server.testing.ts';
import { awaitTick } from './await-tick.ts';
import { runCli } from './run-cli.testing.ts';
import { accountYaml, StandaloneHarness, setYaml } from './standalone.testing.ts';
import type { TickSource } from './tick-source.ts';

describe('await-tick, beside a running product', () => {
  const harness = new StandaloneHarness();
  let redis: RedisServer;
  let gateway: string;

  beforeAll(async () => {
    redis = await startRedis();
    await harness.start({ redis: redis.url });
    gateway = (await harness.gateway()).replace('http', 'ws');
  });
  afterAll(async () => {
    await harness.stop();
    await redis?.stop();
  });

  it('says that there is no set, and what to do', async () => {
    for (const where of [
      ['--gateway', gateway],
      ['--redis', redis.url],
    ]) {
      const waiting = runCli('await-tick', ...where, '--timeout', '2');
      expect(await waiting.ended, waiting.output()).toBe(1);
      expect(waiting.output()).toMatch(
        /no tick within 2 s: there is no set yet\. Apply a TickerAccount .*\(AWAIT_NO_TICK\)/,
      );
    }
  });

  it('prints a tick of any set, and of the one that is named, from the gateway and from Redis', async () => {
    harness.write('account.yaml', accountYaml('demo'));
    harness.write('plain.yaml', setYaml('plain', '  instruments: [NSE:INFY, NSE:TCS]'));
    harness.write('sharded.yaml', setYaml('sharded', '  instruments: [NSE:SBIN]\n  delivery: { sharded: true }'));
    for (const where of [
      ['--gateway', gateway],
      ['--redis', redis.url],
    ]) {
      for (const set of [[], ['plain'], ['default/sharded']]) {
        const waiting = runCli('await-tick', ...set, ...where, '--timeout', '30');
        expect(await waiting.ended, waiting.output()).toBe(0);
        expect(waiting.output()).toMatch(/a tick of default\/\w+ after [\d.]+ s:\n[\d:.]+ +NSE:\w+ +[\d.]+/);
      }
    }
  });

  it('says what a gateway refuses, and that none is there', async () => {
    const unknown = runCli('await-tick', 'nothing', '--gateway', gateway, '--timeout', '1');
    expect(await unknown.ended).toBe(1);
    expect(unknown.output()).toMatch(/no tick within 1 s: no set 'default\/nothing'; known: /);
    const tokens = join(harness.folder, 'tokens');
    await writeFile(tokens, 'a-token-that-nobody-knows\n');
    const away = runCli('await-tick', '--gateway', 'ws://127.0.0.1:1', '--token-file', tokens, '--timeout', '1');
    expect(await away.ended).toBe(1);
    expect(away.output()).toMatch(/no tick within 1 s: ws:\/\/127\.0\.0\.1:1: .*(ECONNREFUSED|bad port)/);
    expect(away.output()).not.toContain('a-token-that-nobody-knows');
  });
});

describe('heartbeats', () => {
  it('do not count: the market may be closed', async () => {
    const header = {
      v: 1,
      set: 'desk/equities',
      slice: 's',
      shard: 'a',
      epoch: 1,
      claim: 1,
      seq: 1,
      count: 0,
      time: 1,
    };
    const source: TickSource = {
      sets: async () => ['desk/equities'],
      listen: async (_set, receive) => {
        receive(JSON.stringify({ ...header, columns: {} }));
        return async () => {};
      },
      close: async () => {},
    };
    await expect(awaitTick(source, undefined, 600, systemClock)).rejects.toThrow(
      'no tick within 0.6 s: desk/equities sent heartbeats only. Is the market open?',
    );
  });
});
