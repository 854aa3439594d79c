import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { Clock } from './clock.ts';
import { defineError, describeError } from './errors.ts';
import type { Logger } from './log.ts';

export const tokenFileUnreadable = defineError(
  'TOKEN_FILE_UNREADABLE',
  'terminal',
  'Mount a file that holds a token of at least 16 characters in each line.',
);

/** How old what was read from the file may be (milliseconds): a rotated one counts within this. */
const maxAge = 60_000;
const maxBytes = 64 * 1024;
const maxTokens = 100;
/** Characters of a token; shorter ones can be guessed. */
const leastLength = 16;

/**
 * Bearer tokens in a file, one a line, so that a new one can be added before an old one goes. The file is read again
 * after a minute; while that fails the last ones count. Compared in constant time, by their hashes.
 */
export class BearerTokens {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  #tokens: readonly string[] = [];
  #hashes: readonly Buffer[] = [];
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(path: string, clock: Clock, log: Logger) {
    this.#path = path;
    this.#clock = clock;
    this.#log = log;
  }

  /** Reads the file. @throws TOKEN_FILE_UNREADABLE where it can't be read, or holds no token */
  async load(): Promise<void> {
    const tokens = await readTokens(this.#path);
    this.#tokens = tokens;
    this.#hashes = tokens.map(hash);
    this.#readAt = this.#clock.monotonic();
  }

  /** The first token: what to send. */
  async first(): Promise<string> {
    await this.#fresh();
    return this.#tokens[0] ?? '';
  }

  /** Whether an `Authorization` header carries one of the tokens. */
  async allow(authorization: string | undefined): Promise<boolean> {
    const [scheme, token, ...rest] = (authorization ?? '').split(' ');
    if (scheme?.toLowerCase() !== 'bearer' || token === undefined || rest.length > 0) return false;
    return this.knows(token);
  }

  /** Whether it is one of the tokens. */
  async knows(token: string): Promise<boolean> {
    await this.#fresh();
    const wanted = hash(token);
    let known = false;
    // All are compared, whichever matches.
    for (const each of this.#hashes) known = timingSafeEqual(each, wanted) || known;
    return known;
  }

  async #fresh(): Promise<void> {
    if (this.#clock.monotonic() - this.#readAt < maxAge) return;
    this.#reading ??= this.#reload().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #reload(): Promise<void> {
    try {
      await this.load();
    } catch (error) {
      this.#readAt = this.#clock.monotonic();
      this.#log.error({ event: 'tokens.notRead' }, describeError(error));
    }
  }
}

function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

async function readTokens(path: string): Promise<string[]> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > maxBytes) throw new RangeError(`it has ${size} bytes; at most ${maxBytes} are read`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw tokenFileUnreadable(`the token file ${path} cannot be read: ${describeError(error)}`, { cause: error });
  }
  const tokens = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (tokens.length === 0 || tokens.length > maxTokens) {
    throw tokenFileUnreadable(`the token file ${path} holds ${tokens.length} tokens; 1 to ${maxTokens} are expected`);
  }
  const bad = tokens.findIndex((token) => token.length < leastLength || !/^[\w.~+/=-]+$/.test(token));
  if (bad >= 0)
    throw tokenFileUnreadable(`line ${bad + 1} of ${path} is no token of ${leastLength} characters or more`);
  return tokens;
}
