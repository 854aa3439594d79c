#!/usr/bin/env -S npx node
// An independent reader: counts the batches of a set on Redis Pub/Sub and checks that `seq` has no gap.
// Uses nothing of ticker-operator. Usage: count.ts redis://HOST:PORT NAMESPACE/NAME [SECONDS]
import { Redis } from 'ioredis';

const [url = 'redis://127.0.0.1:6379', set = 'default/equities', seconds = '10'] = process.argv.slice(2);
const last = new Map<string, number>();
const counts = { batches: 0, ticks: 0, heartbeats: 0, missing: 0 };

const redis = new Redis(url);
redis.on('message', (_channel, text) => {
  const batch = JSON.parse(text) as { slice: string; epoch: number; claim: number; seq: number; count: number };
  if (batch.count === 0) counts.heartbeats++;
  else {
    const stream = `${batch.slice} ${batch.epoch}.${batch.claim}`;
    const before = last.get(stream);
    if (before !== undefined) counts.missing += batch.seq - before - 1;
    last.set(stream, batch.seq);
    counts.batches++;
    counts.ticks += batch.count;
  }
});
await redis.subscribe(`ticks:${set.replace('/', ':')}`);
setTimeout(() => {
  console.log(JSON.stringify(counts));
  redis.disconnect();
  process.exit(counts.missing === 0 && counts.batches > 0 ? 0 : 1);
}, Number(seconds) * 1000);
