import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { nodeEnvironment } from '../launch.ts';
import type { BrokerConfig, Message, MessageOf, ReaderConfig, ShardConfig } from './messages.ts';

/** Milliseconds after which a process that says nothing counts as stuck; more than any scenario takes. */
const deadline = 900_000;

interface Waiting {
  readonly resolve: (message: Message) => void;
  readonly reject: (error: Error) => void;
}

/** A process of a run, and what it says. */
export class Child {
  readonly ended: Promise<void>;
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<string, Waiting>();
  readonly #early = new Map<string, Message>();
  #expectedToEnd = false;

  constructor(
    name: 'broker' | 'shard' | 'reader',
    config: BrokerConfig | ShardConfig | ReaderConfig,
    execArgv: readonly string[] = [],
    path = fileURLToPath(new URL(`${name}.ts`, import.meta.url)),
  ) {
    this.#name = name;
    this.#process = fork(path, {
      execArgv: [...execArgv],
      // The shard's memory is measured: it starts as it does in an image, without what was compiled before.
      env: {
        ...process.env,
        ...(name === 'shard' ? { ...nodeEnvironment, NODE_DISABLE_COMPILE_CACHE: '1' } : {}),
      },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#process.on('message', (message) => this.#take(message as Message));
    this.ended = once(this.#process, 'exit').then(([code, signal]) => {
      if (this.#expectedToEnd) return;
      const error = new Error(`the ${name} process ended with ${code ?? signal}`);
      for (const { reject } of this.#waiting.values()) reject(error);
    });
    this.send({ kind: 'config', config });
  }

  send(message: Message): void {
    // A process that has just ended is noticed by its exit.
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  /** The next message of this kind; one that came before it was asked for counts. */
  async next<K extends Message['kind']>(kind: K): Promise<MessageOf<K>> {
    const early = this.#early.get(kind);
    if (early !== undefined) {
      this.#early.delete(kind);
      return early as MessageOf<K>;
    }
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const timer = setTimeout(() => reject(new Error(`the ${this.#name} process did not say ${kind}`)), deadline);
    this.#waiting.set(kind, { resolve, reject });
    try {
      return (await promise) as MessageOf<K>;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(kind);
    }
  }

  /** Sends a signal that ends it, at once or when it is done. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#expectedToEnd = true;
    this.#process.kill(signal);
  }

  async stop(): Promise<void> {
    this.#expectedToEnd = true;
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.send({ kind: 'stop' });
    const kill = setTimeout(() => this.#process.kill('SIGKILL'), 5_000);
    await this.ended;
    clearTimeout(kill);
  }

  #take(message: Message): void {
    const waiting = this.#waiting.get(message.kind);
    if (waiting !== undefined) waiting.resolve(message);
    else this.#early.set(message.kind, message);
  }
}
