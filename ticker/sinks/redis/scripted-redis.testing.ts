import { Duplex } from 'node:stream';
import { AbstractConnector } from 'ioredis';

/** Answers a command, given its words: bytes, or undefined for nothing yet. */
export type Answerer = (words: readonly string[], socket: ScriptedSocket) => Uint8Array | string | undefined;

/** A socket within the process: what is written to it is read as commands, what is said arrives as it is cut. */
export class ScriptedSocket extends Duplex {
  readonly connecting = false;
  readonly #answer: Answerer;
  #pending = '';

  constructor(answer: Answerer) {
    super({ decodeStrings: false });
    this.#answer = answer;
  }

  /** Arrives at once, as one chunk, where anybody reads. */
  say(bytes: Uint8Array): void {
    if (!this.destroyed && !this.readableEnded) this.push(bytes);
  }

  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }

  override _read(): void {}

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#pending += typeof chunk === 'string' ? chunk : chunk.toString('latin1');
    for (let words = this.#next(); words !== undefined; words = this.#next()) {
      const answer = this.#answer(words, this);
      // The client notes what it waits for after it has written it.
      if (answer !== undefined) process.nextTick(() => this.say(Buffer.from(answer)));
    }
    done();
  }

  override _final(done: () => void): void {
    done();
    this.destroy();
  }

  /** The next whole command. Arguments are ASCII in these tests, so that characters are bytes. */
  #next(): string[] | undefined {
    const text = this.#pending;
    let at = 0;
    const line = (): number | undefined => {
      const end = text.indexOf('\r\n', at);
      if (end < 0) return undefined;
      const value = Number(text.slice(at + 1, end));
      at = end + 2;
      return value;
    };
    const count = line();
    if (count === undefined) return undefined;
    const words: string[] = [];
    for (let i = 0; i < count; i++) {
      const length = line();
      if (length === undefined || text.length < at + length + 2) return undefined;
      words.push(text.slice(at, at + length));
      at += length + 2;
    }
    this.#pending = text.slice(at);
    return words;
  }
}

/** What a client takes to connect to sockets that are answered by `answer`. */
export function scriptedConnector(answer: Answerer, opened: (socket: ScriptedSocket) => void = () => {}) {
  return class extends AbstractConnector {
    constructor() {
      super(10);
    }

    connect(): Promise<never> {
      const socket = new ScriptedSocket(answer);
      this.stream = socket as never;
      opened(socket);
      return Promise.resolve(socket as never);
    }
  };
}
