import type { IncomingMessage } from 'node:http';

const header = 'x-request-id';
/** What a proxy in front may name a request by; anything else is replaced, so that no text of others gets into the log. */
const acceptable = /^[\w.:-]{1,64}$/;

/** Names requests, so that a reader's complaint and the line of the log find each other. */
export class RequestIds {
  readonly #prefix: string;
  #count = 0;

  /** @param prefix that no other gateway has, e.g. a random number of this process */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The request's own `X-Request-Id`, or a new one, which it then has. */
  of(request: IncomingMessage): string {
    const given = request.headers[header];
    if (typeof given === 'string' && acceptable.test(given)) return given;
    const id = `${this.#prefix}-${++this.#count}`;
    request.headers[header] = id;
    return id;
  }
}
