import { Redis } from 'ioredis';
import { afterAll, beforeAll } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import { silentLogger } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { describeSink } from '../sink.contract.ts';
import { RedisReader } from './redis-reader.ts';
import { type RedisServer, startRedis } from './redis-server.testing.ts';
import { RedisSink } from './redis-sink.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

describeSink('RedisSink', async () => {
  const options = { url: server.url, clock: systemClock, random: new SeededRandom(1), log: silentLogger };
  const admin = new Redis(server.url);
  await admin.flushall();
  admin.disconnect();
  const [sink, other, reader] = [new RedisSink(options), new RedisSink(options), new RedisReader(options)];
  await Promise.all([sink.ping(), other.ping()]);
  return {
    sink,
    other,
    reader,
    close: async () => {
      await Promise.all([sink.close(), other.close(), reader.close()]);
    },
  };
});
