import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../runtime/clock.ts';
import { CodedError, describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import { sinkUnavailable } from '../sinks/errors.ts';
import type { SinkReader } from '../sinks/reader.ts';
import { isAllowed, type Tokens } from './access.ts';
import { badRequest, noBars, originRefused, unauthorized, unknownSet } from './errors.ts';
import { type OriginPolicy, refusal } from './origin.ts';
import { loadPage, type Page } from './page.ts';
import type { RequestIds } from './request-id.ts';
import { barsOf, type GatewaySet, latestRows, setName } from './set-feed.ts';

export interface HttpApiOptions {
  readonly reader: SinkReader;
  readonly sets: () => readonly GatewaySet[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly origins: OriginPolicy;
  readonly ids: RequestIds;
  readonly tokens?: Tokens | undefined;
  /** Streams that are open now. */
  readonly clients: () => number;
}

/** Status of an error as HTTP. */
const statuses: Readonly<Record<string, number>> = {
  GATEWAY_UNKNOWN_SET: 404,
  GATEWAY_NO_BARS: 404,
  GATEWAY_SET_NOT_PUBLISHED: 409,
  GATEWAY_ORIGIN_REFUSED: 403,
  GATEWAY_TOO_MANY_CLIENTS: 503,
  GATEWAY_UNAUTHORIZED: 401,
  GATEWAY_BAD_REQUEST: 404,
  GATEWAY_BAD_POSITION: 400,
  SINK_UNAVAILABLE: 503,
};

export function errorStatus(error: unknown): number {
  return (error instanceof CodedError ? statuses[error.code] : undefined) ?? 500;
}

/** `{"error":{"code","message","remedy"}}`; of what is not coded, nothing is told. */
export function errorBody(error: unknown): string {
  const { code, message, remedy } =
    error instanceof CodedError
      ? error
      : { code: 'GATEWAY_INTERNAL', message: 'something went wrong', remedy: "See the gateway's log." };
  return `${JSON.stringify({ error: { code, message, remedy } })}\n`;
}

/** Sets named in an error, at most. */
const setsNamed = 20;

/** The set that `NAMESPACE/NAME` names. @throws GATEWAY_UNKNOWN_SET, naming the known ones */
export function findSet(sets: readonly GatewaySet[], wanted: string): GatewaySet {
  const found = sets.find((set) => setName(set) === wanted);
  if (found !== undefined) return found;
  const known = sets.map(setName).sort();
  const more = known.length > setsNamed ? ` and ${known.length - setsNamed} more` : '';
  const list = known.length === 0 ? 'there is none yet' : `known: ${known.slice(0, setsNamed).join(', ')}${more}`;
  throw unknownSet(`no set '${wanted.slice(0, 400)}'; ${list}`);
}

/** The bars of that set. @throws GATEWAY_UNKNOWN_SET @throws GATEWAY_NO_BARS */
export function findBars(sets: readonly GatewaySet[], wanted: string): GatewaySet {
  const bars = barsOf(findSet(sets, wanted));
  if (bars === undefined) throw noBars(`set ${wanted.slice(0, 400)} makes no bars`);
  return bars;
}

/** Answers plain HTTP requests. */
export class HttpApi {
  readonly #options: HttpApiOptions;
  readonly #page: Page = loadPage();

  constructor(options: HttpApiOptions) {
    this.#options = options;
  }

  /** Never rejects: what fails is answered, and logged where it is ours. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = this.#options.ids.of(request);
    response.setHeader('X-Request-Id', id);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Referrer-Policy', 'no-referrer');
    response.setHeader('Cache-Control', 'no-store');
    try {
      const refused = refusal(this.#options.origins, request.headers.host, request.headers.origin);
      if (refused !== undefined) throw originRefused(refused);
      if (request.headers.origin !== undefined) {
        response.setHeader('Access-Control-Allow-Origin', request.headers.origin);
        response.setHeader('Vary', 'Origin');
      }
      if (request.method === 'OPTIONS') {
        response.setHeader('Access-Control-Allow-Methods', 'GET, HEAD');
        response.setHeader('Access-Control-Allow-Headers', 'Authorization');
        return reply(response, 204, '');
      }
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.setHeader('Allow', 'GET, HEAD');
        return reply(response, 405, errorBody(badRequest(`${request.method} is not known here`)));
      }
      await this.#route(request, response);
    } catch (error) {
      const status = errorStatus(error);
      if (status >= 500) {
        this.#options.log.warn({ event: 'gateway.failed', request: id, path: pathOf(request) }, describeError(error));
      }
      reply(response, status, errorBody(error));
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { sets, clients } = this.#options;
    const path = pathOf(request);
    if (path === '/') {
      response.setHeader('Content-Security-Policy', this.#page.contentSecurityPolicy);
      return reply(response, 200, this.#page.html, 'text/html; charset=utf-8');
    }
    if (path === '/healthz') return reply(response, 200, `${JSON.stringify({ status: 'ok', clients: clients() })}\n`);
    if (!(await isAllowed(this.#options.tokens, request))) {
      response.setHeader('WWW-Authenticate', 'Bearer');
      throw unauthorized('the request carries no known token');
    }
    if (path === '/v1/sets') return reply(response, 200, `${JSON.stringify({ sets: sets().map(describeSet) })}\n`);
    const [, namespace, name, what] = /^\/v1\/sets\/([^/]+)\/([^/]+)\/(latest|bars)$/.exec(path) ?? [];
    if (what !== undefined) {
      const find = what === 'bars' ? findBars : findSet;
      return this.#latest(`${namespace}/${name}`, find, response);
    }
    throw badRequest(`there is nothing at ${path.slice(0, 200)}`);
  }

  async #latest(wanted: string, find: typeof findSet, response: ServerResponse): Promise<void> {
    const { reader, sets, clock } = this.#options;
    const set = find(sets(), wanted);
    const rows = await latestRows(reader, set).catch((error: unknown) => {
      throw error instanceof CodedError ? error : sinkUnavailable('the latest values cannot be read', { cause: error });
    });
    const head = JSON.stringify({ set: wanted, time: Math.round(clock.now() * 1000) });
    reply(response, 200, `${head.slice(0, -1)},"rows":${rows}}\n`);
  }
}

/** What is asked for, without the query. */
export function pathOf(request: IncomingMessage): string {
  return URL.parse(request.url ?? '/', 'http://gateway')?.pathname ?? '/';
}

function describeSet(set: GatewaySet): Record<string, unknown> {
  const path = `${set.namespace}/${set.name}`;
  return {
    namespace: set.namespace,
    name: set.name,
    uid: set.uid,
    ...(set.channel !== undefined && { channel: set.channel, stream: `/v1/stream?set=${path}` }),
    latest: `/v1/sets/${path}/latest`,
    ...(set.bars === true && { bars: `/v1/sets/${path}/bars` }),
  };
}

function reply(response: ServerResponse, status: number, body: string, type = 'application/json; charset=utf-8'): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}
