import { type Clock, sleep } from '../../../runtime/clock.ts';
import { describeError } from '../../../runtime/errors.ts';
import type { Logger } from '../../../runtime/log.ts';
import { isSharded } from '../channels.ts';
import { readPayload } from '../payload.ts';
import type { Published, Unsubscribe } from '../reader.ts';
import { type Connection, channelPurposes } from './connection.ts';
import type { RedisNodes } from './redis-nodes.ts';

type Deliver = (message: Published) => void;

const [plain, sharded] = channelPurposes;

/** Milliseconds between two looks at whether every channel is subscribed and its connection alive. */
const checkEvery = 1000;

interface Channel {
  readonly name: string;
  readonly subscribers: Set<Deliver>;
  /** Where it is subscribed. */
  on: Connection | undefined;
  /** The attempt under way. */
  subscribing: Promise<void> | undefined;
}

/**
 * What a reader listens to. Each channel is subscribed on one connection: one with a hash tag where its slot is, any
 * other on one server, which hears what is published on all of them. Where that connection is lost, or the slot moves
 * away, it is subscribed anew until it succeeds; what was published in between is missed, and `seq` shows it.
 */
export class ChannelSubscriptions {
  readonly #nodes: RedisNodes;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #channels = new Map<string, Channel>();
  readonly #closing = new AbortController();
  /** Where channels without a slot are subscribed, and where that failed last. */
  #home: Connection | undefined;
  #avoid: Connection | undefined;
  #check: Promise<void> | undefined;

  /** @param nodes with connections for the {@link channelPurposes} */
  constructor(nodes: RedisNodes, clock: Clock, log: Logger) {
    this.#nodes = nodes;
    this.#clock = clock;
    this.#log = log;
    nodes.each((connection, purpose) => {
      if (purpose === plain || purpose === sharded) this.#listen(connection);
    });
  }

  async subscribe(name: string, deliver: Deliver): Promise<Unsubscribe> {
    const own: Deliver = (message) => deliver(message);
    const channel = this.#channels.get(name) ?? { name, subscribers: new Set(), on: undefined, subscribing: undefined };
    this.#channels.set(name, channel);
    channel.subscribers.add(own);
    const unsubscribe = async (): Promise<void> => {
      channel.subscribers.delete(own);
      if (channel.subscribers.size > 0 || this.#channels.get(name) !== channel) return;
      this.#channels.delete(name);
      const { on } = channel;
      // On a lost connection there is nothing to unsubscribe from.
      if (on !== undefined) await leave(on, name).catch(() => undefined);
    };
    try {
      await this.#settle(channel);
    } catch (error) {
      await unsubscribe();
      throw error;
    }
    this.#check ??= this.#watch();
    return unsubscribe;
  }

  close(): void {
    this.#channels.clear();
    this.#closing.abort();
  }

  #listen(connection: Connection): void {
    const { client } = connection;
    const receive = (channel: unknown, payload: unknown): void => {
      if (Buffer.isBuffer(payload)) this.#deliver(String(channel), readPayload(payload));
    };
    client.on('messageBuffer', receive);
    client.on('smessageBuffer', receive);
    client.on('ready', () => this.#renew());
    client.on('close', () => {
      if (this.#home === connection) this.#home = undefined;
      this.#avoid = connection;
      for (const channel of this.#channels.values()) if (channel.on === connection) channel.on = undefined;
      if (this.#nodes.cluster) this.#renew();
    });
    // A slot went to another server. Which of the channels that was is not said; subscribing once more is harmless.
    client.on('moved', () => {
      for (const channel of this.#channels.values()) {
        if (channel.on === connection) channel.on = undefined;
      }
      this.#renew();
    });
  }

  #deliver(name: string, payload: string | Uint8Array): void {
    for (const deliver of this.#channels.get(name)?.subscribers ?? []) deliver({ channel: name, payload });
  }

  /** Subscribes what is not subscribed; what fails is tried again at the next look. */
  #renew(): void {
    for (const channel of this.#channels.values()) {
      if (channel.on !== undefined) continue;
      this.#settle(channel).catch((error: unknown) => {
        this.#log.debug({ event: 'redis.resubscribe', channel: channel.name }, describeError(error));
      });
    }
  }

  #settle(channel: Channel): Promise<void> {
    if (channel.on !== undefined) return Promise.resolve();
    channel.subscribing ??= this.#join(channel).finally(() => {
      channel.subscribing = undefined;
    });
    return channel.subscribing;
  }

  async #join(channel: Channel): Promise<void> {
    const { name } = channel;
    const bySlot = isSharded(name);
    const connection = bySlot ? await this.#nodes.connectionFor(sharded, name) : await this.#homeConnection();
    try {
      await connection.ready();
      const { client } = connection;
      await (bySlot ? client.ssubscribe(name) : client.subscribe(name));
    } catch (error) {
      if (this.#home === connection) this.#home = undefined;
      if (this.#nodes.cluster) await this.#nodes.refresh(connection).catch(() => undefined);
      return connection.rejected(error);
    }
    if (this.#channels.get(name) === channel) channel.on = connection;
    // Given up meanwhile; where it is wanted again by now, that subscription is this one.
    else if (!this.#channels.has(name)) await leave(connection, name).catch(() => undefined);
  }

  async #homeConnection(): Promise<Connection> {
    this.#home ??= await this.#nodes.any(plain, this.#avoid?.node);
    return this.#home;
  }

  /** A connection on which nothing arrives may be dead without saying so: a ping that is not answered closes it. */
  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await sleep(this.#clock, checkEvery, signal);
      this.#renew();
      const used = new Set([...this.#channels.values()].map(({ on }) => on));
      for (const connection of used) connection?.client.ping().catch(() => connection.client.disconnect(true));
    }
  }
}

function leave({ client }: Connection, name: string): Promise<unknown> {
  return isSharded(name) ? client.sunsubscribe(name) : client.unsubscribe(name);
}
