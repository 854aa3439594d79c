import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '../../runtime/clock.ts';
import { silentLogger } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import type { BatchHeader } from '../delivery.ts';
import { batch, call } from '../sinks/batches.testing.ts';
import { RedisReader } from '../sinks/redis/redis-reader.ts';
import { type RedisServer, startRedis } from '../sinks/redis/redis-server.testing.ts';
import { RedisSink } from '../sinks/redis/redis-sink.ts';
import { BatchSequence, type Verdict } from './batch-sequence.ts';
import { createGateway, type Gateway } from './gateway.ts';

let server: RedisServer;
let sink: RedisSink;
let reader: RedisReader;
let gateway: Gateway;
let url: string;

beforeAll(async () => {
  server = await startRedis();
  const options = { url: server.url, clock: systemClock, random: new SeededRandom(3), log: silentLogger };
  sink = new RedisSink(options);
  reader = new RedisReader(options);
  const set = { namespace: 'default', name: 'set', uid: 'set', channel: 'ticks:default:set' };
  gateway = createGateway({ reader, sets: () => [set], clock: systemClock, log: silentLogger });
  url = (await gateway.listen()).url;
});
afterAll(async () => {
  await gateway.close();
  await Promise.all([sink.close(), reader.close()]);
  await server.stop();
});

async function claimed(above: number) {
  const answer = await sink.claim({ sliceUid: 'slice', epoch: 1, above, setUids: ['set'] });
  if (answer.kind !== 'claimed') throw new Error(answer.kind);
  return answer.token;
}

test('through Redis and back: all that is published is received; a Redis that lost its data is noticed', async () => {
  let token = await claimed(0);
  const socket = new WebSocket(`${url.replace('http', 'ws')}v1/stream?set=default/set`);
  const sequence = new BatchSequence();
  const verdicts: Verdict[] = [];
  let snapshots = 0;
  let wake = (): void => {};
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as BatchHeader & { type?: string };
    if (message.type === undefined) verdicts.push(sequence.check(message));
    else snapshots++;
    wake();
  });
  const until = async (enough: () => boolean): Promise<void> => {
    while (!enough()) await new Promise<void>((resolve) => (wake = resolve));
  };
  await until(() => snapshots === 1);

  const sends = Array.from({ length: 1000 }, (_, i) => {
    const first = i === 0 ? { prev: null } : {};
    return sink.send(call('slice', token, i + 1, batch('set', token, i + 1, { header: first })));
  });
  const answers = await Promise.all(sends);
  expect(answers.filter((answer) => answer.kind === 'written')).toHaveLength(1000);
  await until(() => verdicts.length >= 1000);
  expect(sequence.totals).toMatchObject({ batches: 1000, missing: 0, unproven: 0, duplicates: 0 });

  await server.restart();
  const deadline = performance.now() + 8000;
  for (let n = 1; verdicts.length === 1000 && performance.now() < deadline; n++) {
    try {
      if (n === 1) token = await claimed(token.claim);
      const first = n === 1 ? { prev: null } : {};
      await sink.send(call('slice', token, n, batch('set', token, n, { header: first })));
    } catch {
      n = 0;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await until(() => verdicts.length > 1000);
  expect(verdicts[1000]).toMatchObject({ kind: 'newToken', take: true, proven: false });
  socket.terminate();
});
