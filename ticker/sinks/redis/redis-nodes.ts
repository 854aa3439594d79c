import type { Redis } from 'ioredis';
import { sleep } from '../../../runtime/clock.ts';
import { type CodedError, describeError } from '../../../runtime/errors.ts';
import { sinkUnavailable } from '../errors.ts';
import { addressOf, Connection, type RedisOptions } from './connection.ts';
import { keySlot, slotCount } from './key-slot.ts';
import { formatNode, type NodeAddress, type RedisAddress } from './redis-url.ts';
import { readRedirect, readSlots, type SlotTable } from './slots.ts';

/** Redirects of one command that are followed; more are a cluster that contradicts itself. */
const mostRedirects = 5;
/** Milliseconds at least between two questions for who has which slot. */
const askAgain = 100;
/** Milliseconds after which a connection to a server that has no slots and gets no commands is closed. */
const idleNode = 60_000;
/** Connections at once, all purposes together; past it the longest unused is closed. */
const mostConnections = 4096;

interface Lane {
  readonly connection: Connection;
  usedAt: number;
}

/**
 * The servers of one Redis, be it one or a cluster. A command goes to the one that has its key's slot, in the turn that
 * it is asked for in; it follows `MOVED` and `ASK`, and everything else that is no answer rejects (`SINK_UNAVAILABLE`):
 * nothing waits here for a server to come back, and whoever sends it again finds who has the slot by then.
 */
export class RedisNodes {
  readonly cluster: boolean;
  readonly #options: RedisOptions;
  readonly #address: RedisAddress;
  readonly #listeners: ((connection: Connection, purpose: string) => void)[] = [];
  /** What the connections are for on which servers are asked for their slots. */
  readonly #first: string;
  /** By purpose, host and port. */
  readonly #lanes = new Map<string, Lane>();
  readonly #closing = new AbortController();
  #slots: SlotTable | undefined;
  #asking: Promise<void> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  /** @param purposes of the connections that are made at once; the first is never for Pub/Sub */
  constructor(options: RedisOptions, purposes: readonly [string, ...string[]]) {
    this.#options = options;
    this.#address = addressOf(options);
    this.cluster = this.#address.cluster;
    this.#first = purposes[0];
    if (this.cluster) this.#suspect();
    else for (const purpose of purposes) this.#lane(purpose, this.#address.nodes[0]!);
  }

  /** Calls `listen` with every connection, before anything comes on it. */
  each(listen: (connection: Connection, purpose: string) => void): void {
    this.#listeners.push(listen);
    for (const [name, { connection }] of this.#lanes) listen(connection, name.split(' ')[0]!);
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
    const { connection } = this.#lane(purpose, this.#address.nodes[0]!);
    return act(connection.client, connection).catch((error: unknown) => this.#reject(connection, error));
  }

  /** Any server but `except`, for what no key is of. */
  async any(purpose: string, except?: NodeAddress): Promise<Connection> {
    if (!this.cluster) return this.#lane(purpose, this.#address.nodes[0]!).connection;
    if (this.#slots === undefined) await this.refresh();
    const nodes = this.#slots?.masters ?? this.#address.nodes;
    const others = nodes.filter((node) => except === undefined || formatNode(node) !== formatNode(except));
    const candidates = others.length > 0 ? others : nodes;
    return this.#lane(purpose, candidates[Math.floor(this.#options.random.next() * candidates.length)]!).connection;
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
    const lanes = nodes.flatMap((node) => purposes.map((purpose) => this.#lane(purpose, node)));
    await Promise.all(
      lanes.map(async ({ connection }) => {
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
    for (const { connection } of this.#lanes.values()) connection.close();
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

  #lane(purpose: string, node: NodeAddress): Lane {
    const name = `${purpose} ${formatNode(node)}`;
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      if (this.#lanes.size >= mostConnections) this.#closeUnused();
      const connection = new Connection(this.#options, this.#address, node, purpose);
      lane = { connection, usedAt: 0 };
      this.#lanes.set(name, lane);
      for (const listen of this.#listeners) listen(connection, purpose);
      if (this.#closing.signal.aborted) connection.close();
    }
    lane.usedAt = this.#options.clock.monotonic();
    return lane;
  }

  async #connectionFor(purpose: string, slot: number): Promise<Connection> {
    if (!this.cluster) return this.#lane(purpose, this.#address.nodes[0]!).connection;
    if (this.#slots?.masterOf(slot) === undefined) await this.refresh();
    const node = this.#slots?.masterOf(slot);
    if (node === undefined) throw this.unavailable(`no server has slot ${slot}`);
    return this.#lane(purpose, node).connection;
  }

  async #follow<T>(
    purpose: string,
    slot: number,
    act: (client: Redis, connection: Connection) => Promise<T>,
  ): Promise<T> {
    const known = this.#slots?.masterOf(slot);
    let connection =
      known === undefined ? await this.#connectionFor(purpose, slot) : this.#lane(purpose, known).connection;
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
        ({ connection } = this.#lane(purpose, redirect.node));
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
      const { connection } = this.#lane(this.#first, node);
      try {
        await connection.ready();
        const table = readSlots(await connection.client.cluster('SLOTS'), node);
        if (table.masters.length === 0) throw new Error(`${connection.where} knows of no slots`);
        this.#slots = table;
        this.#closeIdle(table);
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
      const connection = this.#lanes.get(`${this.#first} ${formatNode(node)}`)?.connection;
      if (formatNode(node) === suspect?.where) return 3;
      if (connection?.client.status === 'ready') return 0;
      return connection === undefined || connection.fresh ? 1 : 2;
    };
    return [...nodes.values()].sort((a, b) => rank(a) - rank(b));
  }

  #closeUnused(): void {
    const [[name, lane] = []] = [...this.#lanes].sort(([, a], [, b]) => a.usedAt - b.usedAt);
    if (name !== undefined) this.#lanes.delete(name);
    lane?.connection.close();
  }

  #closeIdle(table: SlotTable): void {
    const masters = new Set(table.masters.map(formatNode));
    const before = this.#options.clock.monotonic() - idleNode;
    for (const [name, { connection, usedAt }] of this.#lanes) {
      if (masters.has(connection.where) || usedAt > before) continue;
      this.#lanes.delete(name);
      connection.close();
    }
  }
}

/** A server that answered with an error that is its own affair: asking others for the slot would not help. */
function isAnswer(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return false;
  return !/^(MOVED|ASK|CLUSTERDOWN|READONLY|MASTERDOWN|LOADING)/.test(error.message);
}
