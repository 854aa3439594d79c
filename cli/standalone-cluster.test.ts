import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Cluster } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterPassword, type RedisCluster, startRedisCluster } from '../ticker/sinks/redis/redis-cluster.testing.ts';
import { runCli } from './run-cli.testing.ts';
import { accountYaml, StandaloneHarness, setYaml } from './standalone.testing.ts';

let cluster: RedisCluster;
const harness = new StandaloneHarness();
beforeAll(async () => {
  cluster = await startRedisCluster();
}, 90_000);
afterAll(async () => {
  await harness.stop();
  await cluster?.stop();
});

/** Ticks in the streams of every slice, as a client that is not ours reads them. */
async function streamed(): Promise<number> {
  const { tls, password } = cluster.access;
  const nodes = cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  const client = new Cluster(nodes, { redisOptions: { tls, password } });
  let ticks = 0;
  for (const node of client.nodes('master').length > 0 ? client.nodes('master') : await masters(client)) {
    for (const key of await node.keys('ticks:*:stream')) {
      for (const [, fields] of await client.xrange(key, '-', '+')) {
        ticks += (JSON.parse(fields[fields.indexOf('payload') + 1]!) as { count: number }).count;
      }
    }
  }
  client.disconnect();
  return ticks;
}

async function masters(client: Cluster) {
  await client.ping();
  return client.nodes('master');
}

test('everything on a cluster with TLS, by options alone: gateway, sharded channels, streams; the password is nowhere', {
  timeout: 120_000,
}, async () => {
  const password = join(harness.folder, 'password');
  await writeFile(password, `${clusterPassword}\n`);
  harness.write('account.yaml', accountYaml('demo'));
  const delivery = '  delivery: { window: 50, stream: {}';
  harness.write('plain.yaml', setYaml('plain', `  instruments: [NSE:INFY, NSE:TCS]\n${delivery} }`));
  harness.write('sharded.yaml', setYaml('sharded', `  instruments: [NSE:SBIN]\n${delivery}, sharded: true }`));
  const pem = (name: string): string => join(cluster.certificates, name);
  const login = ['--redis', cluster.access.url, '--redis-password-file', password, '--redis-ca', pem('ca.crt')];
  login.push('--redis-cert', pem('admin.crt'), '--redis-key', pem('admin.key'));
  const files = ['account.yaml', 'plain.yaml', 'sharded.yaml'].map((file) => join(harness.folder, file));
  const standalone = runCli('standalone', '-f', ...files, '--port', '0', '--print', '--log-level', 'trace', ...login);
  const [, gateway] = await standalone.until(/gateway\s+http(\S+?)\/?\n/);
  for (const set of ['plain', 'sharded']) {
    await standalone.until(new RegExp(`set default/${set}: Ready`));
    const tail = runCli('tail', set, '--gateway', `ws${gateway}`, '--count', '5');
    expect(await tail.ended, tail.output()).toBe(0);
    expect(tail.output()).toMatch(/tail: batches=5 .*missing=0 duplicates=0/);
  }
  const direct = runCli('tail', 'plain', '--count', '3', ...login);
  expect(await direct.ended, direct.output()).toBe(0);
  standalone.interrupt();
  expect(await standalone.ended, standalone.output()).toBe(0);
  const [, published, lost] = /summary: .*published=(\d+) .*lost=(\d+)/.exec(standalone.output())!;
  expect({ published: Number(published), lost }).toEqual({ published: await streamed(), lost: '0' });
  for (const output of [standalone.output(), direct.output()]) expect(output).not.toContain(clusterPassword);
});
