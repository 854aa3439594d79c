/** Bytes of a string that a Redis sends at most (its own limit), and of a line. */
const mostBytes = 512 * 1024 * 1024;
const mostLine = 64 * 1024;
/** Items of a list, and lists within lists. */
const mostItems = 1_000_000;
const deepest = 8;

const lineFeed = 0x0a;

export interface ReplyGuardOptions {
  /** Answers that are due. */
  readonly due: () => number;
  /** On a connection in Pub/Sub mode: more than what is due may come, but only messages, which have no empty part. */
  readonly messages: boolean;
}

/**
 * Looks through what a Redis sends (RESP2) before the client reads it: what is none, what nobody asked for, and lengths
 * without a bound are refused, for the client would crash or run out of memory. Payloads are passed over, not read.
 */
export class ReplyGuard {
  readonly #options: ReplyGuardOptions;
  /** Items that are still to come, of each list that is open. */
  readonly #open: number[] = [];
  /** The line that is not whole yet. */
  #line = '';
  /** Bytes of a string, with its end, that are still to come. */
  #skip = 0;
  #whole = 0;

  constructor(options: ReplyGuardOptions) {
    this.#options = options;
  }

  /** @throws where the client must not read `chunk`, nor anything after it */
  check(chunk: Buffer): void {
    this.#whole = 0;
    for (let at = 0; at < chunk.length; ) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
        if (this.#skip === 0) this.#itemEnds();
        continue;
      }
      const found = chunk.indexOf(lineFeed, at);
      const end = found < 0 ? chunk.length : found + 1;
      if (this.#line.length + end - at > mostLine) throw new Error('a line without an end');
      this.#line += chunk.toString('latin1', at, end);
      at = end;
      if (found >= 0) this.#lineEnds();
    }
    if (!this.#options.messages && this.#whole > this.#options.due()) throw new Error('an answer to nothing');
  }

  #lineEnds(): void {
    const line = this.#line;
    this.#line = '';
    if (line.indexOf('\r') !== line.length - 2) throw new Error('a line that does not end as it should');
    const value = line.slice(1, -2);
    if (line[0] === '+' || line[0] === '-') this.#itemEnds();
    else if (line[0] === ':' && /^-?\d{1,20}$/.test(value)) this.#itemEnds();
    else if ((line[0] === '$' || line[0] === '*') && value === '-1') this.#nothing();
    else if (line[0] === '$') this.#skip = length(value, mostBytes) + 2;
    else if (line[0] === '*') this.#listBegins(length(value, mostItems));
    else throw new Error('something that is no reply');
  }

  #listBegins(items: number): void {
    if (this.#options.messages && this.#open.length === 0 && items < 2) throw new Error('a message without its parts');
    if (items === 0) this.#itemEnds();
    else if (this.#open.push(items) > deepest) throw new Error('lists within lists without an end');
  }

  #nothing(): void {
    if (this.#options.messages) throw new Error('a message with an empty part');
    this.#itemEnds();
  }

  #itemEnds(): void {
    while (this.#open.length > 0) {
      const left = this.#open.pop()! - 1;
      if (left > 0) {
        this.#open.push(left);
        return;
      }
    }
    this.#whole++;
  }
}

function length(text: string, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= most)) throw new Error('a length that is none, or past every bound');
  return value;
}
