import { isIP } from 'node:net';
import { type RedisOptions as ClientOptions, Redis } from 'ioredis';
import { backoffDelay } from '../../../runtime/backoff.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { CodedError } from '../../../runtime/errors.ts';
import type { Logger } from '../../../runtime/log.ts';
import type { Random } from '../../../runtime/random.ts';
import { sinkUnavailable } from '../errors.ts';
import { formatNode, type NodeAddress, parseRedisUrl, type RedisAddress } from './redis-url.ts';
import { ReplyGuard } from './reply-guard.ts';

/** What TLS needs beyond a `rediss` URL; texts are PEM. */
export interface RedisTls {
  /** Certificates that may sign the server's, instead of the usual ones. */
  readonly ca?: string;
  /** For a server that wants to know its clients. */
  readonly cert?: string;
  readonly key?: string;
  /** The name that the server's certificate must have; its host where absent. */
  readonly serverName?: string;
}

/** Where a Redis is and what it must be shown. */
export interface RedisAccess {
  /** `redis://`, `rediss://`, `redis+cluster://` or `rediss+cluster://`; see {@link parseRedisUrl}. */
  readonly url: string;
  readonly tls?: RedisTls;
  /** Login that is not in the URL; each wins over the URL's. */
  readonly username?: string;
  readonly password?: string;
}

export interface RedisOptions extends RedisAccess {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Milliseconds after which an unanswered command is given up and the connection made anew; default 3 s. */
  readonly commandTimeout?: number;
  /** Milliseconds that a connection attempt may take, and that a call waits for one; default 3 s. */
  readonly connectTimeout?: number;
  /** Makes the sockets; for tests of what comes on them. */
  readonly connector?: ClientOptions['Connector'];
}

/** Where and as whom, from the URL and what stands beside it. */
export function addressOf(options: RedisOptions): RedisAddress {
  const { username, password, url } = options;
  return {
    ...parseRedisUrl(url),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  };
}

/**
 * What the connections in Pub/Sub mode are for. Each kind of channel has its own: a server counts the two apart, and the
 * client takes a count of 0 for the end of all.
 */
export const channelPurposes = ['reader-channels', 'reader-shards'] as const;

const reconnect = { first: 50, most: 1000 };

/**
 * One connection to one server, that is made at once and made anew for ever, with backoff. Nothing waits in it: a
 * command on a lost connection is rejected (`SINK_UNAVAILABLE`), also where its reply was lost; the caller decides what
 * is sent again.
 */
export class Connection {
  readonly client: Redis;
  readonly node: NodeAddress;
  readonly #clock: Clock;
  readonly #connectTimeout: number;
  readonly #secret: string | undefined;
  readonly commandTimeout: number;
  #lastError: string | undefined;
  #lost = false;
  #tried = false;
  /** The socket that was given up last. */
  #ended: unknown;
  /** All that wait for the attempt under way. */
  #waiting: Promise<void> | undefined;

  /** @param name what `CLIENT LIST` shows */
  constructor(options: RedisOptions, address: RedisAddress, node: NodeAddress, name: string) {
    this.node = node;
    this.#secret = address.password;
    this.#clock = options.clock;
    this.#connectTimeout = options.connectTimeout ?? 3000;
    this.commandTimeout = options.commandTimeout ?? 3000;
    this.client = new Redis({
      host: node.host,
      port: node.port,
      username: address.username,
      password: address.password,
      db: address.database,
      ...(address.tls && { tls: tlsOptions(node, options.tls) }),
      ...(options.connector && { Connector: options.connector }),
      connectionName: `ticker-operator-${name}`,
      protocol: 2,
      connectTimeout: this.#connectTimeout,
      commandTimeout: this.commandTimeout,
      socketTimeout: this.commandTimeout,
      retryStrategy: (attempt) => backoffDelay(reconnect, attempt - 1, options.random),
      // A former primary that answers READONLY has a successor behind the same address.
      reconnectOnError: (error) => /^(READONLY|LOADING|MASTERDOWN)/.test(error.message),
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
    });
    this.client.on('connect', () => this.#guard(name));
    this.client.on('error', (error: Error) => {
      this.#lastError = this.#describe(error);
      if (this.#lost) return;
      this.#lost = true;
      options.log.warn({ event: 'redis.lost', connection: name, redis: this.where }, this.#lastError);
    });
    this.client.on('close', () => {
      this.#tried = true;
    });
    this.client.on('ready', () => {
      this.#tried = true;
      const again = this.#lost;
      this.#lost = false;
      options.log.info({ event: 'redis.connected', connection: name, redis: this.where, again }, 'connected to Redis');
    });
  }

  /** `host:port`, for messages. */
  get where(): string {
    return formatNode(this.node);
  }

  /** Being made for the first time: it has neither been ready nor failed yet. */
  get fresh(): boolean {
    return !this.#tried;
  }

  /** Resolves when commands can be sent; rejects when the attempt under way fails, or after `connectTimeout` at most. */
  ready(): Promise<void> {
    const { client } = this;
    if (client.status === 'ready') return Promise.resolve();
    if (client.status === 'end') return Promise.reject(this.unavailable('the connection is closed'));
    this.#waiting ??= this.#attempt().finally(() => {
      this.#waiting = undefined;
    });
    return this.#waiting;
  }

  #attempt(): Promise<void> {
    const { client } = this;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => () => {
        timer.cancel();
        client.off('ready', succeed);
        client.off('close', fail);
        act();
      };
      const succeed = settle(resolve);
      const fail = settle(() => reject(this.unavailable(this.#lastError ?? 'not connected yet')));
      const timer = this.#clock.setTimer(this.#connectTimeout, fail);
      client.once('ready', succeed);
      client.once('close', fail);
    });
  }

  /** What the promise of a command rejects with, in our terms. */
  readonly rejected = (error: unknown): never => {
    // What comes after this long may be an answer, or without an end: neither is waited for.
    if (error instanceof Error && error.message === 'Command timed out') this.#reconnect();
    throw error instanceof CodedError ? error : this.unavailable(this.#describe(error));
  };

  /** Many commands time out together: the first ends their socket, and each end of one socket leaves a listener on it. */
  #reconnect(): void {
    const { stream } = this.client;
    if (stream === this.#ended) return;
    this.#ended = stream;
    this.client.disconnect(true);
  }

  /** The cause is not attached: the client's errors carry the command, and a login is a command. */
  readonly unavailable = (why: string): CodedError => sinkUnavailable(`Redis at ${this.where}: ${why}`);

  close(): void {
    this.client.disconnect();
  }

  /** Looks at what arrives before the client does, from the first byte on. */
  #guard(name: string): void {
    const { stream } = this.client;
    const waiting = this.client as unknown as { readonly commandQueue: { readonly length: number } };
    const guard = new ReplyGuard({
      due: () => waiting.commandQueue.length,
      messages: channelPurposes.some((each) => each === name),
    });
    const emit = stream.emit.bind(stream);
    stream.emit = (event: string | symbol, ...args: unknown[]): boolean => {
      if (event !== 'data') return emit(event, ...args);
      if (stream.destroyed) return true;
      try {
        guard.check(args[0] as Buffer);
      } catch (error) {
        stream.destroy(new Error(`it sent ${(error as Error).message}`));
        return true;
      }
      return emit(event, ...args);
    };
  }

  #describe(error: unknown): string {
    const parts = error instanceof AggregateError ? error.errors : [error];
    const text = parts.map((part) => (part instanceof Error ? part.message : String(part))).join('; ');
    const plain = /Stream isn't writeable|max retries per request|Connection is closed/.test(text)
      ? `not connected${this.#lastError === undefined ? '' : ` (${this.#lastError})`}`
      : text;
    return this.#secret === undefined ? plain : plain.replaceAll(this.#secret, '[redacted]');
  }
}

function tlsOptions(node: NodeAddress, { serverName, ...pem }: RedisTls = {}) {
  // Names only are indicated to a server; an address is compared with the certificate all the same.
  const servername = serverName ?? (isIP(node.host) === 0 ? node.host : undefined);
  return { ...pem, ...(servername !== undefined && { servername }) };
}
