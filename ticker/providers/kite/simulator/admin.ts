import type { IncomingMessage, ServerResponse } from 'node:http';
import { CodedError, describeError } from '../../../../runtime/errors.ts';
import type { Faults } from './faults.ts';
import type { Feed } from './feed.ts';
import type { FeedConnection } from './feed-connection.ts';
import { readBody, sendJson } from './http.ts';
import type { RestApi } from './rest/rest-api.ts';
import { statusPage } from './status-page.ts';

/** What the simulator has besides the broker's own API: a status page, counters, and faults to order. */
export class Admin {
  readonly #feed: Feed;
  readonly #rest: RestApi;
  readonly #faults: Faults;

  constructor(feed: Feed, rest: RestApi, faults: Faults) {
    this.#feed = feed;
    this.#rest = rest;
    this.#faults = faults;
  }

  /** True when the request was one of these, and has been answered. */
  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean> {
    const route = `${request.method} ${url.pathname}`;
    if (route === 'GET /') {
      if (String(request.headers.accept ?? '').includes('text/html')) {
        response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(statusPage(this.status()));
      } else {
        sendJson(response, 200, this.status());
      }
    } else if (route === 'GET /simulator/callback') {
      sendJson(response, 200, { request_token: url.searchParams.get('request_token') });
    } else if (route === 'GET /simulator/connections') {
      sendJson(response, 200, this.#feed.connections.map(connectionStatus));
    } else if (route === 'GET /simulator/faults') {
      sendJson(response, 200, this.#faults.describe());
    } else if (route === 'DELETE /simulator/faults') {
      sendJson(response, 200, this.#faults.order({ fault: 'clear' }));
    } else if (route === 'POST /simulator/faults') {
      await this.#order(request, response);
    } else {
      return false;
    }
    return true;
  }

  status(): SimulatorStatus {
    const open = this.#feed.open;
    let ticks = 0;
    for (const { counters } of this.#feed.connections) ticks += counters.ticks;
    return {
      simulator: "Kite's HTTP and WebSocket protocols, with a simulated market",
      help: { faults: '/simulator/faults', connections: '/simulator/connections' },
      connections: open.map(connectionStatus),
      ticksSent: ticks,
      upgradesRefused: Object.fromEntries(this.#feed.refused),
      requests: Object.fromEntries(this.#rest.requests),
    };
  }

  async #order(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A page of another origin can't send this content type without being asked first.
    if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
      return sendJson(response, 415, { message: 'Send the order as application/json.' });
    }
    try {
      sendJson(response, 200, this.#faults.orderUnchecked(JSON.parse(await readBody(request))));
    } catch (error) {
      if (!(error instanceof CodedError || error instanceof SyntaxError)) throw error;
      sendJson(response, 400, { message: describeError(error) });
    }
  }
}

export interface SimulatorStatus {
  readonly simulator: string;
  readonly help: Readonly<Record<string, string>>;
  readonly connections: readonly ReturnType<typeof connectionStatus>[];
  readonly ticksSent: number;
  readonly upgradesRefused: Readonly<Record<string, number>>;
  readonly requests: Readonly<Record<string, number>>;
}

function connectionStatus(connection: FeedConnection) {
  return {
    id: connection.id,
    user: connection.login.userId,
    open: connection.open,
    openedAt: new Date(connection.openedAt).toISOString(),
    closeCode: connection.closeCode ?? null,
    subscribed: connection.subscriptions.size,
    ...connection.counters,
  };
}
