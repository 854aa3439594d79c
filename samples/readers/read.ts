#!/usr/bin/env -S npx node
// Prints the ticks of a set, one JSON object a line, from Redis Pub/Sub. Uses nothing of ticker-operator.
// Usage: read.ts redis://HOST:PORT NAMESPACE/CHANNEL [BATCHES]   (a set's channel is its name, unless it names another)
import { Redis } from 'ioredis';

const [url = 'redis://127.0.0.1:6379', set = 'default/equities', most = 'Infinity'] = process.argv.slice(2);
let left = Number(most);

/** Rows of a batch, by column name. Arrow is loaded where a set is delivered in it. */
async function rowsOf(payload: Buffer): Promise<Record<string, unknown>[]> {
  if (payload[0] !== 0x7b) {
    const { tableFromIPC } = await import('apache-arrow');
    return tableFromIPC(payload)
      .toArray()
      .map((row) => row.toJSON());
  }
  const { count, columns } = JSON.parse(String(payload)) as { count: number; columns: Record<string, unknown[]> };
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[i]])),
  );
}

const redis = new Redis(url);
redis.on('messageBuffer', async (_channel: Buffer, payload: Buffer) => {
  const rows = await rowsOf(payload);
  if (rows.length === 0 || left <= 0) return; // a heartbeat
  const whole = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);
  for (const row of rows) console.log(JSON.stringify(row, whole));
  if (--left === 0) redis.disconnect();
});
await redis.subscribe(`ticks:${set.replace('/', ':')}`);
