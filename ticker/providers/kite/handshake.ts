import type { ClientRequestArgs } from 'node:http';
import { WebSocket } from 'ws';
import type { Clock } from '../../../runtime/clock.ts';
import type { CodedError } from '../../../runtime/errors.ts';
import { badResponse, connectionLimit, credentialsRefused, unreachable } from '../errors.ts';
import { openFeedSocket } from './feed-socket.ts';
import { maxFrameBytes } from './packet-layout.ts';
import { safeText } from './redact.ts';

/** Milliseconds that connecting may take, from the name look-up to the broker's 101. */
export const handshakeTimeout = 10_000;

export interface HandshakeOptions {
  /** Address of the feed; a query that it already has is kept. */
  readonly url: string;
  readonly apiKey: string;
  readonly accessToken: string;
  /** `namespace/name`, for messages. */
  readonly account: string;
  readonly clock: Clock;
}

/**
 * Opens a WebSocket to the feed. `adopt` is called within the `open` event, so that it can listen before anything
 * arrives.
 *
 * @throws `PROVIDER_CREDENTIALS_REFUSED` for 401 and 403, `PROVIDER_CONNECTION_LIMIT` for 429, `PROVIDER_BAD_RESPONSE`
 * for another 4xx, else `PROVIDER_UNREACHABLE`; the signal's reason where it is aborted. None carries the address's query.
 */
export function handshake<T>(
  options: HandshakeOptions,
  signal: AbortSignal,
  adopt: (socket: WebSocket) => T,
): Promise<T> {
  const { account, apiKey, accessToken, clock } = options;
  return new Promise<T>((resolve, reject) => {
    signal.throwIfAborted();
    const url = URL.parse(options.url);
    if (url === null) throw unreachable(`account ${account}: ${JSON.stringify(options.url)} is no address of a feed`);
    const place = `${url.origin}${url.pathname}`;
    url.hash = ''; // not allowed in a WebSocket's address
    url.searchParams.set('api_key', apiKey);
    url.searchParams.set('access_token', accessToken);
    const socket = new WebSocket(url, {
      headers: { 'X-Kite-Version': '3' },
      perMessageDeflate: false,
      maxPayload: maxFrameBytes,
      createConnection: (request: unknown) =>
        openFeedSocket(request as ClientRequestArgs, url.protocol === 'wss:', maxFrameBytes),
    });

    let settled = false;
    const settle = (): boolean => {
      if (settled) return false;
      settled = true;
      timer.cancel();
      signal.removeEventListener('abort', aborted);
      return true;
    };
    const fail = (error: unknown): void => {
      if (!settle()) return;
      socket.terminate();
      reject(error);
    };
    const aborted = (): void => fail(signal.reason);
    const timer = clock.setTimer(handshakeTimeout, () =>
      fail(unreachable(`account ${account}: ${place} did not answer within ${handshakeTimeout / 1000} s`)),
    );
    signal.addEventListener('abort', aborted, { once: true });
    // Stays for good: terminating a socket that is still connecting makes it emit an error.
    socket.on('error', (error) =>
      fail(unreachable(`account ${account}: ${place}: ${safeText(error.message, [apiKey, accessToken])}`)),
    );
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      fail(refusal(response.statusCode ?? 0, account, place));
    });
    socket.on('open', () => {
      if (!settle()) return;
      try {
        resolve(adopt(socket));
      } catch (error) {
        socket.terminate();
        reject(error);
      }
    });
  });
}

function refusal(status: number, account: string, place: string): CodedError {
  const said = `account ${account}: ${place} refused the connection with HTTP ${status}`;
  if (status === 401 || status === 403) return credentialsRefused(said);
  if (status === 429) return connectionLimit(`${said}: too many connections of this login are open`);
  return status >= 400 && status < 500 ? badResponse(said) : unreachable(said);
}
