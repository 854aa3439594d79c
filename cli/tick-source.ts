import { systemClock } from '../runtime/clock.ts';
import { silentLogger } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import { setName } from '../ticker/gateway/set-feed.ts';
import { RedisReader } from '../ticker/sinks/redis/redis-reader.ts';
import { subscribeSet } from '../ticker/sinks/set-subscription.ts';
import { type GatewayAddress, listGatewaySets, openGatewayStream } from './gateway-client.ts';
import { badOption } from './options.ts';
import { gatewaySets } from './process/redis-sets.ts';
import { type RedisCliOptions, redisLogin } from './redis-options.ts';

type Receive = (payload: string | Uint8Array) => void;

/** Where ticks can be listened to. */
export interface TickSource {
  /** Sets that are delivered, as `NAMESPACE/NAME`. */
  sets(): Promise<readonly string[]>;
  /** Resolves with what ends it. `gone` is called when it ended by itself. */
  listen(set: string, receive: Receive, gone: () => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** A gateway, over WebSocket. */
export class GatewaySource implements TickSource {
  readonly #address: GatewayAddress;

  constructor(address: GatewayAddress) {
    this.#address = address;
  }

  sets(): Promise<readonly string[]> {
    return listGatewaySets(this.#address);
  }

  async listen(set: string, receive: Receive, gone: () => void): Promise<() => Promise<void>> {
    const done = Promise.withResolvers<void>();
    done.promise.then(gone, gone);
    return openGatewayStream(this.#address, set, receive, done);
  }

  async close(): Promise<void> {}
}

/** Redis itself. */
export class RedisSource implements TickSource {
  readonly #reader: RedisReader;

  private constructor(reader: RedisReader) {
    this.#reader = reader;
  }

  static async open(options: RedisCliOptions): Promise<RedisSource> {
    if (options.redis === undefined) throw badOption('--redis is missing');
    const access = { url: options.redis, ...(await redisLogin(options)) };
    const random = new SeededRandom(1);
    return new RedisSource(new RedisReader({ ...access, clock: systemClock, random, log: silentLogger }));
  }

  async sets(): Promise<readonly string[]> {
    return (await this.#published()).map(setName);
  }

  async listen(set: string, receive: Receive): Promise<() => Promise<void>> {
    const found = (await this.#published()).find((each) => setName(each) === set);
    if (found?.channel === undefined) throw new Error(`${set} is not published`);
    return subscribeSet({
      reader: this.#reader,
      clock: systemClock,
      log: silentLogger,
      setUid: found.uid,
      channel: found.channel,
      deliver: ({ payload }) => receive(payload),
    });
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  async #published() {
    const sets = gatewaySets(await this.#reader.sets(systemClock.now()));
    return sets.filter(({ channel }) => channel !== undefined);
  }
}
