import type { Redis } from 'ioredis';
import { readPayload } from '../payload.ts';
import type { Published, SinkReader, Unsubscribe } from '../reader.ts';
import { ChannelSubscriptions } from './channel-subscriptions.ts';
import { channelPurposes, type RedisOptions } from './connection.ts';
import { directoryKey, emptyField, latestKey, setNamesKey, streamKey, timesKey } from './keys.ts';
import { RedisNodes } from './redis-nodes.ts';
import { type NamedSet, readSetNames } from './set-names.ts';

const queries = 'reader';

/**
 * Reads what a {@link import('./redis-sink.ts').RedisSink} writes, from any process, on one server or a cluster.
 * Subscriptions have connections of their own.
 */
export class RedisReader implements SinkReader {
  readonly #nodes: RedisNodes;
  readonly #subscriptions: ChannelSubscriptions;

  constructor(options: RedisOptions) {
    this.#nodes = new RedisNodes(options, [queries, channelPurposes[0]]);
    this.#subscriptions = new ChannelSubscriptions(this.#nodes, options.clock, options.log);
  }

  subscribe(channel: string, deliver: (message: Published) => void): Promise<Unsubscribe> {
    return this.#subscriptions.subscribe(channel, deliver);
  }

  async latest(setUid: string): Promise<ReadonlyMap<string, string>> {
    const slices = await this.slices(setUid);
    const hash = (key: string) => this.#nodes.run(queries, key, (client) => client.hgetall(key));
    const found = await Promise.all(
      slices.flatMap((sliceUid) => [hash(latestKey(sliceUid, setUid)), hash(timesKey(sliceUid, setUid))]),
    );
    const newest = new Map<string, { time: number; json: string }>();
    for (let i = 0; i + 1 < found.length; i += 2) {
      const [rows, times] = [found[i]!, found[i + 1]!];
      for (const [instrument, json] of Object.entries(rows)) {
        if (instrument === emptyField) continue;
        const time = Number(times[instrument] ?? 0);
        if ((newest.get(instrument)?.time ?? Number.NEGATIVE_INFINITY) <= time) newest.set(instrument, { time, json });
      }
    }
    return new Map([...newest].map(([instrument, row]) => [instrument, row.json]));
  }

  async range(
    sliceUid: string,
    setUid: string,
    afterId: string,
    limit: number,
  ): Promise<readonly { id: string; payload: string | Uint8Array }[]> {
    const key = streamKey(sliceUid, setUid);
    return this.#entries(key, (client) => client.xrangeBuffer(key, `(${afterId}`, '+', 'COUNT', limit));
  }

  async rangeBack(
    sliceUid: string,
    setUid: string,
    beforeId: string,
    limit: number,
  ): Promise<readonly { id: string; payload: string | Uint8Array }[]> {
    const key = streamKey(sliceUid, setUid);
    const before = beforeId === '+' ? beforeId : `(${beforeId}`;
    return this.#entries(key, (client) => client.xrevrangeBuffer(key, before, '-', 'COUNT', limit));
  }

  async slices(setUid: string): Promise<readonly string[]> {
    const key = directoryKey(setUid);
    await this.#nodes.ready(queries, key);
    return this.#nodes.run(queries, key, (client) => client.smembers(key));
  }

  /** The sets that are delivered, and their bars; of Redis only, for that is where a gateway of its own looks. */
  async sets(now: number): Promise<readonly NamedSet[]> {
    await this.#nodes.ready(queries, setNamesKey);
    return readSetNames((key, act) => this.#nodes.run(queries, key, act), now);
  }

  async #entries(key: string, read: (client: Redis) => Promise<[Buffer, Buffer[]][]>) {
    await this.#nodes.ready(queries, key);
    const entries = await this.#nodes.run(queries, key, read);
    return entries.map(([id, fields]) => {
      const at = fields.findIndex((field, index) => index % 2 === 0 && field.toString() === 'payload');
      return { id: id.toString(), payload: readPayload(fields[at + 1]!) };
    });
  }

  async close(): Promise<void> {
    this.#subscriptions.close();
    this.#nodes.close();
  }
}
