import type { IncomingMessage } from 'node:http';

/** What holds the tokens of those who may read. */
export interface Tokens {
  knows(token: string): Promise<boolean>;
}

/** The subprotocol of `/v1/stream`. */
export const streamProtocol = 'ticker.v1';
/** Before a token in base64url, as a subprotocol: the only header of a WebSocket that a page can choose. */
const bearerProtocol = 'ticker.bearer.';

/** Whether a request carries a token that is known: as a header, or as a subprotocol. Never in the URL, which is logged. */
export async function isAllowed(tokens: Tokens | undefined, { headers }: IncomingMessage): Promise<boolean> {
  if (tokens === undefined) return true;
  const [scheme, token, ...rest] = (headers.authorization ?? '').split(' ');
  if (scheme?.toLowerCase() === 'bearer' && token !== undefined && rest.length === 0) return tokens.knows(token);
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim());
  const found = offered.find((each) => each.startsWith(bearerProtocol));
  return found !== undefined && tokens.knows(Buffer.from(found.slice(bearerProtocol.length), 'base64url').toString());
}

/** The subprotocol that is agreed on; never the one that carries the token. */
export function agreedProtocol(offered: ReadonlySet<string>): string | false {
  return offered.has(streamProtocol) ? streamProtocol : false;
}
