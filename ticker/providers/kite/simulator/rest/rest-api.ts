import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, sleep } from '../../../../../runtime/clock.ts';
import type { Market } from '../../../mock/market/market.ts';
import type { FaultState } from '../fault-state.ts';
import { readBody, sendJson } from '../http.ts';
import type { SimulatorLimits } from '../limits.ts';
import type { Login, Logins } from '../logins.ts';
import { historical } from './historical.ts';
import { InstrumentsCsv } from './instruments-csv.ts';
import { errorOf, KiteError, rateError, tokenError } from './kite-error.ts';
import { quotes } from './quotes.ts';
import { RateLimiter, type RequestKind } from './rate-limiter.ts';
import { createSession, endSession, loginRedirect, profile } from './session.ts';

export interface RestApiOptions {
  readonly clock: Clock;
  readonly market: Market;
  readonly logins: Logins;
  readonly limits: SimulatorLimits;
  readonly faults: FaultState;
  /** Ends waits that a fault ordered. */
  readonly stopped: AbortSignal;
  /** Where `/connect/login` sends the browser; by default to a page of the simulator that shows the request token. */
  readonly redirectUrl?: string;
}

/** Kite's REST API, as far as market data goes. */
export class RestApi {
  /** Requests by `METHOD /path`, with parameters left out. */
  readonly requests = new Map<string, number>();
  readonly #options: RestApiOptions;
  readonly #limiter: RateLimiter;
  readonly #csv = new InstrumentsCsv();

  constructor(options: RestApiOptions) {
    this.#options = options;
    this.#limiter = new RateLimiter(options.limits);
  }

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    try {
      await this.#route(request, response, url);
    } catch (error) {
      if (!(error instanceof KiteError)) throw error;
      sendJson(response, error.status, {
        status: 'error',
        message: error.message,
        error_type: error.errorType,
        data: null,
      });
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { clock, logins, faults, market } = this.#options;
    const path = url.pathname;
    const [first, second, token, interval, more] = path.split('/').slice(1);
    const route = `${request.method} ${path}`;
    const isHistorical = first === 'instruments' && second === 'historical';
    this.#count(isHistorical ? `${request.method} /instruments/historical` : `${request.method} /${first}`);
    const header = authorization(request);
    const refused = faults.refusal('rest', header?.apiKey ?? url.searchParams.get('api_key') ?? '', path);
    if (refused !== undefined) throw errorOf(refused);
    const ok = (data: unknown): void => sendJson(response, 200, { status: 'success', data });

    if (route === 'GET /connect/login') {
      const callback =
        this.#options.redirectUrl ??
        new URL('/simulator/callback', `http://${request.headers.host ?? 'localhost'}`).href;
      response.writeHead(302, { Location: loginRedirect(logins, url.searchParams, callback) }).end();
      return;
    }
    if (path === '/session/token' || path === '/user/profile') {
      if (faults.loginDelay > 0) await sleep(clock, faults.loginDelay, this.#options.stopped);
      if (route === 'POST /session/token') {
        const form = new URLSearchParams(await readBody(request));
        return ok(createSession(logins, form, clock.now()));
      }
      if (route === 'DELETE /session/token') return ok(endSession(logins, url.searchParams));
    }
    const login = this.#authenticate(header, kindOf(path, isHistorical));
    if (route === 'GET /user/profile') return ok(profile(login));
    const now = clock.now();
    const snapshot = market.advance(now);
    if (request.method === 'GET' && isHistorical && interval !== undefined && more === undefined) {
      return ok(await historical(market, snapshot.universe, clock, token ?? '', interval, url.searchParams));
    }
    const names = url.searchParams.getAll('i');
    if (route === 'GET /quote') return ok(quotes('quote', names, snapshot));
    if (route === 'GET /quote/ohlc') return ok(quotes('ohlc', names, snapshot));
    if (route === 'GET /quote/ltp') return ok(quotes('ltp', names, snapshot));
    if (request.method === 'GET' && first === 'instruments' && token === undefined) {
      return this.#sendCsv(request, response, this.#csv.get(snapshot.universe, second));
    }
    throw new KiteError(404, 'GeneralException', 'Route not found');
  }

  #authenticate(header: { apiKey: string; accessToken: string } | undefined, kind: RequestKind): Login {
    const { clock, logins } = this.#options;
    const login = header === undefined ? undefined : logins.authenticate(header.apiKey, header.accessToken);
    if (login === undefined) throw tokenError();
    if (!this.#limiter.allow(login.apiKey, kind, clock.monotonic())) throw rateError();
    return login;
  }

  #sendCsv(
    request: IncomingMessage,
    response: ServerResponse,
    csv: { readonly text: string; readonly gzip: Buffer } | undefined,
  ): void {
    if (csv === undefined) throw new KiteError(400, 'InputException', 'Invalid exchange');
    // The official client looks for exactly this content type, without a charset.
    const isGzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    response.writeHead(200, { 'Content-Type': 'text/csv', ...(isGzip ? { 'Content-Encoding': 'gzip' } : {}) });
    response.end(isGzip ? csv.gzip : csv.text);
  }

  #count(route: string): void {
    const known = this.requests.get(route);
    if (known === undefined && this.requests.size >= routeLimit) return;
    this.requests.set(route, (known ?? 0) + 1);
  }
}

/** Routes counted: unknown ones past it are not. */
const routeLimit = 64;

function kindOf(path: string, isHistorical: boolean): RequestKind {
  if (isHistorical) return 'historical';
  return path === '/quote' || path.startsWith('/quote/') ? 'quote' : 'other';
}

/** `Authorization: token <api_key>:<access_token>`. */
function authorization(request: IncomingMessage): { apiKey: string; accessToken: string } | undefined {
  const match = /^token ([^:\s]+):(\S+)$/.exec(request.headers.authorization ?? '');
  return match === null ? undefined : { apiKey: match[1]!, accessToken: match[2]! };
}
