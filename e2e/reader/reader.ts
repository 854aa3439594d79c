import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import { type Batch, Tally } from './tally.ts';

/**
 * A reader as a pod: follows every set on Redis Pub/Sub, and says over HTTP what it got. `GET /reset` begins anew,
 * `GET /report` tells. It shares no code with what it measures but the shape of a batch.
 */
const url = process.env['REDIS_URL'] ?? 'redis://redis:6379';
const port = 8080;
const retry = 50;
/** Entries of a stream that are read at once. */
const page = 200;

const tally = new Tally(Date.now());
const options = { maxRetriesPerRequest: null, retryStrategy: () => retry };
const subscriber = new Redis(url, options);
const client = new Redis(url, options);
for (const each of [subscriber, client]) each.on('error', () => undefined);

subscriber.on('pmessage', (_pattern, _channel, text: string) => tally.take(JSON.parse(text) as Batch, Date.now()));
await subscriber.psubscribe('ticks:*');

/** Adds what lies in the streams since the reset: what the reader missed live, and what came late. */
async function readStreams(since: number): Promise<void> {
  for await (const keys of client.scanStream({ match: 'ticks:*', type: 'stream', count: 1000 })) {
    for (const key of keys as string[]) {
      const where = key.endsWith(':late') ? 'late' : 'stream';
      let from = `${since}`;
      for (;;) {
        const entries = await client.xrange(key, from, '+', 'COUNT', page);
        for (const [, fields] of entries) {
          const payload = fields[fields.indexOf('payload') + 1];
          // Arrow is not read here: the sets of these tests are JSON.
          if (payload?.startsWith('{')) tally.find(JSON.parse(payload) as Batch, where);
        }
        const last = entries.at(-1);
        if (last === undefined || entries.length < page) break;
        from = `(${last[0]}`;
      }
    }
  }
}

createServer((request, response) => {
  const answer = async (): Promise<unknown> => {
    if (request.url === '/reset') return tally.reset(Date.now());
    const now = Date.now();
    await readStreams(tally.report(now).since);
    return tally.report(now);
  };
  answer().then(
    (body) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body ?? {})),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
}).listen(port);
process.once('SIGTERM', () => process.exit(0));
