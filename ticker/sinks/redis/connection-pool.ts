import { Connection, type RedisOptions } from './connection.ts';
import { formatNode, type NodeAddress, type RedisAddress } from './redis-url.ts';

/** Milliseconds after which a connection to a server that is none of the masters and gets no commands is closed. */
const idleNode = 60_000;
/** Connections at once, all purposes together; past it the longest unused is closed. */
const mostConnections = 4096;

type Listener = (connection: Connection, purpose: string) => void;

interface Pooled {
  readonly connection: Connection;
  readonly purpose: string;
  usedAt: number;
}

/** Connections by purpose and server, made when they are wanted first. */
export class ConnectionPool {
  readonly #options: RedisOptions;
  readonly #address: RedisAddress;
  readonly #listeners: Listener[] = [];
  readonly #pooled = new Map<string, Pooled>();
  #closed = false;

  constructor(options: RedisOptions, address: RedisAddress) {
    this.#options = options;
    this.#address = address;
  }

  /** Calls `listen` with every connection, before anything comes on it. */
  each(listen: Listener): void {
    this.#listeners.push(listen);
    for (const { connection, purpose } of this.#pooled.values()) listen(connection, purpose);
  }

  get(purpose: string, node: NodeAddress): Connection {
    const name = nameOf(purpose, node);
    let pooled = this.#pooled.get(name);
    if (pooled === undefined) {
      if (this.#pooled.size >= mostConnections) this.#closeUnused();
      const connection = new Connection(this.#options, this.#address, node, purpose);
      pooled = { connection, purpose, usedAt: 0 };
      this.#pooled.set(name, pooled);
      for (const listen of this.#listeners) listen(connection, purpose);
      if (this.#closed) connection.close();
    }
    pooled.usedAt = this.#options.clock.monotonic();
    return pooled.connection;
  }

  /** The same where there is one already. */
  find(purpose: string, node: NodeAddress): Connection | undefined {
    return this.#pooled.get(nameOf(purpose, node))?.connection;
  }

  /** Closes what nobody uses any more, of servers that are none of these. */
  keep(masters: readonly NodeAddress[]): void {
    const kept = new Set(masters.map(formatNode));
    const before = this.#options.clock.monotonic() - idleNode;
    for (const [name, { connection, usedAt }] of this.#pooled) {
      if (kept.has(connection.where) || usedAt > before) continue;
      this.#pooled.delete(name);
      connection.close();
    }
  }

  close(): void {
    this.#closed = true;
    for (const { connection } of this.#pooled.values()) connection.close();
  }

  #closeUnused(): void {
    const [[name, pooled] = []] = [...this.#pooled].sort(([, a], [, b]) => a.usedAt - b.usedAt);
    if (name !== undefined) this.#pooled.delete(name);
    pooled?.connection.close();
  }
}

function nameOf(purpose: string, node: NodeAddress): string {
  return `${purpose} ${formatNode(node)}`;
}
