import type { Redis } from 'ioredis';
import { sleep } from '../../../runtime/clock.ts';
import { type CodedError, describeError } from '../../../runtime/errors.ts';
import { sinkUnavailable } from '../errors.ts';
import { addressOf, type Connection, type RedisOptions } from './connection.ts';
import { ConnectionPool } from './connection-pool.ts';
import { keySlot, slotCount } from './key-slot.ts';
import { formatNode, type NodeAddress, type RedisAddress } from './redis-url.ts';
import { readRedirect, readSlots, type SlotTable } from './slots.ts';

/** Redirects of one command that are followed; more are a cluster that contradicts itself. */
const mostRedirects = 5;
/** Milliseconds at least between two questions for who has which slot. */
const askAgain = 100;

/**
 * The servers of one Redis, be it one or a cluster. A command goes to the one that has its key's slot, in the turn that
 * it is asked for in; it follows `MOVED` and `ASK`, and everything else that is no answer rejects (`SINK_UNAVAILABLE`):
 * nothing waits here for a server to come back, and whoever sends it again finds who has the slot by then.
 */
export class RedisNodes {
  readonly cluster: boolean;
  readonly #options: RedisOptions;
  readonly #address: RedisAddress;
  readonly #pool: ConnectionPool;
  /** By purpose, where it is one server. */
  readonly #single = new Map<string, Connection>();
  /** What the connections are for on which servers are asked for their slots. */
  readonly #first: string;
  readonly #closing = new AbortController();
  #slots: SlotTable | undefined;
  #asking: Promise<void> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  /** @param purposes of the connections that are made at once; the first is never for Pub/Sub */
  constructor(options: RedisOptions, purposes: readonly [string, ...string[]]) {
    this.#options = options;
    this.#address = addressOf(options);
    this.cluster = this.#address.cluster;
    this.#pool = new ConnectionPool(options, this.#address);
    this.#first = purposes[0];
    if (this.cluster) this.#suspect();
    else for (const purpose of purposes) this.#one(purpose);
  }

  /** Calls `listen` with every connection, before anything comes on it. */
  each(listen: (connection: Connection, purpose: string) => void): void {
    this.#pool.each(listen);
  }

  /** Resolves when a command for `key` can be sent. */
  async ready(purpose: string, key: string): Promise<void> {
    const connection = await this.#connectionFor(purpose, this.#slotOf(key));
    try {
      await connection.ready();
    } catch (error) {
      this.#suspect(connection);
      throw error;
    }
  }

  /**
   * Sends one command by `act`, which is called again with the client of another server where the first redirects it.
   * Rejects with a coded error; with Redis' own only where a script is not known (`NOSCRIPT`).
   */
  run<T>(purpose: string, key: string, act: (client: Redis, connection: Connection) => Promise<T>): Promise<T> {
    if (this.cluster) return this.#follow(purpose, this.#slotOf(key), act);
    const connection = this.#one(purpose);
    return act(connection.client, connection).catch((error: unknown) => this.#reject(connection, error));
  }

  /** Any server but `except`, for what no key is of. */
  async any(purpose: string, except?: NodeAddress): Promise<Connection> {
    if (!this.cluster) return this.#one(purpose);
    if (this.#slots === undefined) await this.refresh();
    const nodes = this.#slots?.masters ?? this.#address.nodes;
    const others = nodes.filter((node) => except === undefined || formatNode(node) !== formatNode(except));
    const candidates = others.length > 0 ? others : nodes;
    return this.#pool.get(purpose, candidates[this.#options.random.integer(candidates.length)]!);
  }

  /** The server that has a key, as far as it is known. */
  connectionFor(purpose: string, key: string): Promise<Connection> {
    return this.#connectionFor(purpose, this.#slotOf(key));
  }

  /** Name of the server that has `key`: what fails together. */
  placeOf(key: string): string {
    const node = this.cluster ? this.#slots?.masterOf(keySlot(key)) : this.#address.nodes[0];
    return node === undefined ? 'unknown' : formatNode(node);
  }

  /** Every master that is known answers, on a connection for each purpose, and every slot has one. */
  async ping(purposes: readonly string[]): Promise<void> {
    if (this.cluster && this.#slots === undefined) await this.refresh();
    const nodes = this.cluster ? (this.#slots?.masters ?? []) : this.#address.nodes;
    for (let slot = 0; this.cluster && slot < slotCount; slot++) {
      if (this.#slots?.masterOf(slot) !== undefined) continue;
      this.#suspect();
      throw this.unavailable(`no server has slot ${slot}`);
    }
    const connections = nodes.flatMap((node) => purposes.map((purpose) => this.#pool.get(purpose, node)));
    await Promise.all(
      connections.map(async (connection) => {
        try {
          await connection.ready();
          await connection.client.ping();
        } catch (error) {
          this.#suspect(connection);
          connection.rejected(error);
        }
      }),
    );
  }

  unavailable(why: string): CodedError {
    return sinkUnavailable(`Redis at ${this.#address.nodes.map(formatNode).join(', ')}: ${why}`);
  }

  close(): void {
    this.#closing.abort();
    this.#pool.close();
  }

  /** Learns who has which slot, from any server that says so; `suspect` is asked last. One question at a time. */
  refresh(suspect?: Connection): Promise<void> {
    this.#asking ??= this.#ask(suspect).finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  #slotOf(key: string): number {
    return this.cluster ? keySlot(key) : 0;
  }

  #one(purpose: string): Connection {
    let connection = this.#single.get(purpose);
    if (connection === undefined) {
      connection = this.#pool.get(purpose, this.#address.nodes[0]!);
      this.#single.set(purpose, connection);
    }
    return connection;
  }

  async #connectionFor(purpose: string, slot: number): Promise<Connection> {
    if (!this.cluster) return this.#one(purpose);
    if (this.#slots?.masterOf(slot) === undefined) await this.refresh();
    const node = this.#slots?.masterOf(slot);
    if (node === undefined) throw this.unavailable(`no server has slot ${slot}`);
    return this.#pool.get(purpose, node);
  }

  async #follow<T>(
    purpose: string,
    slot: number,
    act: (client: Redis, connection: Connection) => Promise<T>,
  ): Promise<T> {
    const known = this.#slots?.masterOf(slot);
    let connection = known === undefined ? await this.#connectionFor(purpose, slot) : this.#pool.get(purpose, known);
    for (let redirects = 0, asked = false; ; redirects++) {
      try {
        if (connection.fresh) await connection.ready();
        // Its answer says nothing that the next one does not say.
        if (asked) connection.client.asking().catch(() => undefined);
        return await act(connection.client, connection);
      } catch (error) {
        const redirect = readRedirect(error, connection.node);
        if (redirect === undefined || redirects === mostRedirects) return this.#reject(connection, error);
        asked = redirect.kind === 'ask';
        if (!asked) {
          this.#slots?.assign(redirect.slot, redirect.slot, redirect.node);
          this.#suspect(connection);
        }
        connection = this.#pool.get(purpose, redirect.node);
      }
    }
  }

  #reject(connection: Connection, error: unknown): never {
    if (error instanceof Error && error.message.startsWith('NOSCRIPT')) throw error;
    if (!isAnswer(error)) this.#suspect(connection);
    return connection.rejected(error);
  }

  /** Something was not where it should be. */
  #suspect(connection?: Connection): void {
    if (!this.cluster || this.#closing.signal.aborted) return;
    this.refresh(connection).catch((error: unknown) => {
      this.#options.log.debug({ event: 'redis.topology' }, describeError(error));
    });
  }

  async #ask(suspect: Connection | undefined): Promise<void> {
    const { clock } = this.#options;
    const wait = this.#askedAt + askAgain - clock.monotonic();
    if (wait > 0) await sleep(clock, wait, this.#closing.signal);
    this.#askedAt = clock.monotonic();
    let problem = 'none of its servers is known';
    for (const node of this.#candidates(suspect)) {
      if (this.#closing.signal.aborted) break;
      const connection = this.#pool.get(this.#first, node);
      try {
        await connection.ready();
        const table = readSlots(await connection.client.cluster('SLOTS'), node);
        if (table.masters.length === 0) throw new Error(`${connection.where} knows of no slots`);
        this.#slots = table;
        this.#pool.keep(table.masters);
        return;
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
      }
    }
    throw this.unavailable(`nobody says who has which slot: ${problem}`);
  }

  /** Who may know, the likeliest first. */
  #candidates(suspect: Connection | undefined): NodeAddress[] {
    const nodes = new Map<string, NodeAddress>();
    for (const node of [...(this.#slots?.masters ?? []), ...this.#address.nodes]) nodes.set(formatNode(node), node);
    const rank = (node: NodeAddress): number => {
      const connection = this.#pool.find(this.#first, node);
      if (formatNode(node) === suspect?.where) return 3;
      if (connection?.client.status === 'ready') return 0;
      return connection === undefined || connection.fresh ? 1 : 2;
    };
    return [...nodes.values()].sort((a, b) => rank(a) - rank(b));
  }
}

/** A server that answered with an error that is its own affair: asking others for the slot would not help. */
function isAnswer(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return false;
  return !/^(MOVED|ASK|CLUSTERDOWN|READONLY|MASTERDOWN|LOADING)/.test(error.message);
}
