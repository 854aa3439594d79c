import { describeError } from '../../../runtime/errors.ts';
import type { Logger } from '../../../runtime/log.ts';
import { readPayload } from '../payload.ts';
import type { Published, SinkReader, Unsubscribe } from '../reader.ts';
import { Connection, type RedisOptions } from './connection.ts';
import { directoryKey, emptyField, latestKey, streamKey, timesKey } from './keys.ts';
import { type NamedSet, readSetNames } from './set-names.ts';

type Deliver = (message: Published) => void;

/**
 * Reads what a {@link RedisSink} writes, from any process. Subscriptions have a connection of their own and are made
 * again when it was lost; what was published in between is missed, and `seq` shows it.
 */
export class RedisReader implements SinkReader {
  readonly #channels: Connection;
  readonly #queries: Connection;
  readonly #log: Logger;
  readonly #subscribers = new Map<string, Set<Deliver>>();

  constructor(options: RedisOptions) {
    this.#channels = new Connection(options, 'reader-channels');
    this.#queries = new Connection(options, 'reader');
    this.#log = options.log;
    this.#channels.client.on('messageBuffer', (channel: Buffer, payload: Buffer) => {
      this.#deliver(channel.toString(), readPayload(payload));
    });
    this.#channels.client.on('ready', () => void this.#subscribeAgain());
  }

  async subscribe(channel: string, deliver: Deliver): Promise<Unsubscribe> {
    const own: Deliver = (message) => deliver(message);
    await this.#channels.ready();
    const subscribers = this.#subscribers.get(channel) ?? new Set<Deliver>();
    this.#subscribers.set(channel, subscribers.add(own));
    const unsubscribe = async (): Promise<void> => {
      subscribers.delete(own);
      if (subscribers.size > 0 || this.#subscribers.get(channel) !== subscribers) return;
      this.#subscribers.delete(channel);
      // On a lost connection there is nothing to unsubscribe from.
      await this.#channels.client.unsubscribe(channel).catch(() => undefined);
    };
    try {
      await this.#channels.client.subscribe(channel);
    } catch (error) {
      await unsubscribe();
      return this.#channels.rejected(error);
    }
    return unsubscribe;
  }

  async latest(setUid: string): Promise<ReadonlyMap<string, string>> {
    const { client, rejected } = this.#queries;
    const slices = await this.slices(setUid);
    const found = await Promise.all(
      slices.flatMap((sliceUid) => [
        client.hgetall(latestKey(sliceUid, setUid)),
        client.hgetall(timesKey(sliceUid, setUid)),
      ]),
    ).catch(rejected);
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
    const { client, rejected } = this.#queries;
    await this.#queries.ready();
    const key = streamKey(sliceUid, setUid);
    const entries = await client.xrangeBuffer(key, `(${afterId}`, '+', 'COUNT', limit).catch(rejected);
    return entries.map(([id, fields]) => {
      const at = fields.findIndex((field, index) => index % 2 === 0 && field.toString() === 'payload');
      return { id: id.toString(), payload: readPayload(fields[at + 1]!) };
    });
  }

  async slices(setUid: string): Promise<readonly string[]> {
    await this.#queries.ready();
    return this.#queries.client.smembers(directoryKey(setUid)).catch(this.#queries.rejected);
  }

  /** The sets that are delivered, and their bars; of Redis only, for that is where a gateway of its own looks. */
  async sets(now: number): Promise<readonly NamedSet[]> {
    await this.#queries.ready();
    const { client, rejected } = this.#queries;
    return readSetNames((_key, act) => act(client).catch(rejected), now);
  }

  async close(): Promise<void> {
    this.#subscribers.clear();
    this.#channels.close();
    this.#queries.close();
  }

  #deliver(channel: string, payload: string | Uint8Array): void {
    for (const deliver of this.#subscribers.get(channel) ?? []) deliver({ channel, payload });
  }

  async #subscribeAgain(): Promise<void> {
    const channels = [...this.#subscribers.keys()];
    if (channels.length === 0) return;
    try {
      await this.#channels.client.subscribe(...channels);
    } catch (error) {
      this.#log.warn({ event: 'redis.resubscribe' }, describeError(error));
      this.#channels.client.disconnect(true);
    }
  }
}
