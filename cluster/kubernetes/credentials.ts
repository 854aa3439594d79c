import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '../../runtime/clock.ts';
import { credentialsUnavailable } from './errors.ts';
import { maxConfigBytes, tokenAge } from './limits.ts';

/** What a request proves itself with: a bearer token, a client certificate with its key, or neither. */
export interface Credential {
  readonly token?: string;
  /** PEM */
  readonly certificate?: string;
  /** PEM */
  readonly key?: string;
}

/** Where credentials come from; asked before each request, so it keeps what it read. */
export interface CredentialSource {
  /** `KUBE_CREDENTIALS_UNAVAILABLE` where there is none. */
  current(): Promise<Credential>;
  /** The API server did not accept the current one: the next call reads it anew. */
  refused(): void;
}

export function fixedCredential(credential: Credential): CredentialSource {
  return { current: async () => credential, refused: () => {} };
}

/**
 * A bearer token in a file that is rewritten before the token expires, as a pod's projected service account token.
 * It is read again after {@link tokenAge}, and when it was refused. Where that fails, the last good one goes on.
 */
export class TokenFile implements CredentialSource {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #rest: Credential;
  #last: Credential | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<Credential> | undefined;

  /** @param rest what is sent beside the token, e.g. a client certificate */
  constructor(path: string, clock: Clock, rest: Credential = {}) {
    this.#path = path;
    this.#clock = clock;
    this.#rest = rest;
  }

  async current(): Promise<Credential> {
    if (this.#last !== undefined && this.#clock.monotonic() - this.#readAt < tokenAge) return this.#last;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  refused(): void {
    this.#readAt = Number.NEGATIVE_INFINITY;
  }

  async #read(): Promise<Credential> {
    try {
      const token = (await readBounded(this.#path)).trim();
      if (token === '') throw credentialsUnavailable(`${this.#path} is empty`);
      this.#last = { ...this.#rest, token };
      this.#readAt = this.#clock.monotonic();
      return this.#last;
    } catch (error) {
      if (this.#last !== undefined) return this.#last;
      throw credentialsUnavailable(`the token file ${this.#path} cannot be read`, { cause: error });
    }
  }
}

/** A small text file; larger than {@link maxConfigBytes} is an error. */
export async function readBounded(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > maxConfigBytes) throw new RangeError(`${path} has ${size} bytes; at most ${maxConfigBytes} are read`);
  return readFile(path, 'utf8');
}
