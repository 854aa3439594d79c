import type { IncomingMessage } from 'node:http';
import { type Clock, sleep } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import { unavailable } from '../errors.ts';
import type { ApiServerConfig } from './config.ts';
import { HttpConnection, type HttpRequest, readBody } from './http-connection.ts';
import { maxRefusalBytes, maxRetries, maxRetryAfter } from './limits.ts';
import { errorFromRefusal, parseStatus } from './status.ts';

/** One request that was answered, or failed; for metrics. */
export interface RequestReport {
  /** As in RBAC: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`. */
  readonly verb: string;
  /** Plural of the kind. */
  readonly resource: string;
  /** HTTP's status code; 0 where there was no answer. */
  readonly status: number;
  /** Milliseconds until the answer was read; of a watch, until its head was. */
  readonly duration: number;
}

export interface Call extends Omit<HttpRequest, 'timeout' | 'path'> {
  readonly verb: string;
  readonly resource: string;
  /** The object or the kind, for messages. */
  readonly what: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** What the server says may quote what was sent: not passed on. */
  readonly confidential?: boolean;
}

export interface RequesterOptions {
  readonly config: ApiServerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly userAgent: string;
  /** Milliseconds that a call may take, with what is tried again in it. */
  readonly timeout: number;
  readonly onRequest?: ((report: RequestReport) => void) | undefined;
}

/**
 * Calls of the API server: a refused credential is read anew once, a `Retry-After` is waited for within the deadline,
 * and every other refusal becomes a coded error.
 */
export class Requester {
  readonly #options: RequesterOptions;
  readonly #connection: HttpConnection;
  readonly #closing = new AbortController();

  constructor(options: RequesterOptions) {
    this.#options = options;
    this.#connection = new HttpConnection(options);
  }

  /** The answer's JSON. */
  async call(call: Call): Promise<unknown> {
    const { clock, random, config, timeout } = this.#options;
    const deadline = clock.monotonic() + timeout;
    let renewed = false;
    for (let retries = 0; ; ) {
      const left = deadline - clock.monotonic();
      const answer = await this.#reported(
        call,
        () => this.#connection.exchange(request(call, left)),
        (it) => it.status,
      );
      const { status, body, retryAfter } = answer;
      if (status >= 200 && status < 300) return parse(call, body);
      if (status === 401) config.credentials.refused();
      if (status === 401 && !renewed) {
        renewed = true;
        continue;
      }
      if (retryAfter !== undefined && (status === 429 || status === 503) && retries < maxRetries) {
        const wait = retryAfter * 1000 * (1 + 0.2 * random.next());
        if (wait <= maxRetryAfter && clock.monotonic() + wait < deadline) {
          retries++;
          await sleep(clock, wait, this.#closing.signal);
          continue;
        }
      }
      throw this.#refused(call, status, body);
    }
  }

  /** The head of a watch's answer; its body is the caller's to read. */
  async open(call: Call & { readonly signal: AbortSignal }): Promise<IncomingMessage> {
    const message = await this.#reported(
      call,
      () => this.#connection.stream(request(call, this.#options.timeout)),
      (it) => it.statusCode ?? 0,
    );
    const { statusCode = 0 } = message;
    if (statusCode === 200) return message;
    if (statusCode === 401) this.#options.config.credentials.refused();
    throw this.#refused(call, statusCode, await readBody(message, maxRefusalBytes));
  }

  close(): void {
    this.#closing.abort();
    this.#connection.close();
  }

  #refused(call: Call, code: number, body: string): Error {
    const status = parseStatus(body);
    return errorFromRefusal({
      what: describeCall(call),
      code,
      ...(status === undefined ? {} : { status }),
      ...(call.confidential === true ? { confidential: true } : {}),
    });
  }

  async #reported<T>({ verb, resource }: Call, send: () => Promise<T>, statusOf: (answer: T) => number): Promise<T> {
    const { clock, onRequest } = this.#options;
    const start = clock.monotonic();
    let status = 0;
    try {
      const answer = await send();
      status = statusOf(answer);
      return answer;
    } finally {
      onRequest?.({ verb, resource, status, duration: clock.monotonic() - start });
    }
  }
}

/** e.g. `patch instrumentsets default/nifty` */
export function describeCall({ verb, resource, what }: Call): string {
  return what === '' ? `${verb} ${resource}` : `${verb} ${resource} ${what}`;
}

function request({ method, path, query = {}, contentType, body, signal }: Call, timeout: number): HttpRequest {
  const search = new URLSearchParams(query).toString();
  return {
    method,
    path: search === '' ? path : `${path}?${search}`,
    timeout,
    ...(contentType === undefined ? {} : { contentType }),
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** What a parser would say quotes the text, which may be a Secret's: only that it failed is said. */
function parse(call: Call, body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw unavailable(`${describeCall(call)}: the answer is not JSON`);
  }
}
