import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { configured, listen, micros, type ReaderConfig, tell } from './messages.ts';
import { Tally } from './tally.ts';

/**
 * A reader as a process, with nothing of the project's own code: of the streams, from the id of the last entry on
 * whatever happens to Redis, or of Pub/Sub, which says nothing twice.
 */
/** Entries that are read at once. */
const entriesAtOnce = 16;
/** Milliseconds that a read waits for entries, and between attempts. */
const blockMillis = 100;
const retryMillis = 50;
const payloadField = Buffer.from('payload');

const { redis: url, over, origin, slices } = await configured<ReaderConfig>();
const tally = new Tally(slices);
const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => retryMillis });
let lost = 0;
redis.on('error', () => {});
redis.on('close', () => lost++);
let reporting = false;
let paused = false;

listen((message) => {
  if (message.kind === 'stop') process.exit(0);
  if (message.kind === 'pause') paused = true;
  if (message.kind === 'resume') paused = false;
  if (message.kind !== 'report') return;
  reporting = true;
  if (over === 'pubsub') void afterWhatIsPublished();
});

if (over === 'streams') {
  tell({ kind: 'ready' });
  await readStreams();
} else {
  redis.on('messageBuffer', (_: Buffer, payload: Buffer) => tally.take(payload, micros() - origin));
  await redis.subscribe('ticks:default:load');
  tell({ kind: 'ready' });
}

function report(): void {
  reporting = false;
  tell({ kind: 'reader', report: tally.report(lost) });
}

/** What was published before comes before the answer, on the same connection. */
async function afterWhatIsPublished(): Promise<void> {
  await redis.ping();
  report();
}

async function readStreams(): Promise<never> {
  const keys = slices.map(({ uid }) => `ticks:{${uid}}:load:stream`);
  const ids = keys.map(() => '0');
  for (;;) {
    if (paused && !reporting) {
      await delay(retryMillis);
      continue;
    }
    const asked = reporting;
    const found = await redis
      .xreadBuffer('COUNT', entriesAtOnce, 'BLOCK', blockMillis, 'STREAMS', ...keys, ...ids)
      .catch(() => undefined);
    if (found === undefined) await delay(retryMillis);
    else {
      const streams = (found ?? []) as [Buffer, [Buffer, Buffer[]][]][];
      for (const [key, entries] of streams) {
        for (const [id, fields] of entries) {
          tally.take(fields[fields.findIndex((field) => field.equals(payloadField)) + 1]!, micros() - origin);
          ids[keys.indexOf(String(key))] = String(id);
        }
      }
      // All that was there when it was asked has been read.
      if (asked && streams.every(([, entries]) => entries.length < entriesAtOnce)) report();
    }
  }
}
