import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { BearerTokens } from '../../runtime/bearer-tokens.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLogger } from '../../runtime/log.ts';
import { TestFeed, testSet } from './feed.testing.ts';
import { createGateway, type Gateway } from './gateway.ts';

const folder = mkdtempSync(join(tmpdir(), 'gateway-tokens-'));
const file = join(folder, 'tokens');
const token = 'a/token+of=the-desk';
let gateway: Gateway;
let url: string;

beforeAll(async () => {
  writeFileSync(file, `${token}\nanother-token-of-16\n`);
  const tokens = new BearerTokens(file, systemClock, silentLogger);
  await tokens.load();
  const feed = new TestFeed();
  await feed.claim('equities-uid');
  gateway = createGateway({
    reader: feed.sink.reader(),
    sets: () => [testSet('equities')],
    clock: systemClock,
    log: silentLogger,
    tokens,
    allowedOrigins: ['https://desk.example.com'],
  });
  url = (await gateway.listen()).url;
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

const encoded = (text: string): string => `ticker.bearer.${Buffer.from(text).toString('base64url')}`;

/** Opens a stream; the agreed subprotocol, or the status that refused it. */
async function open(protocols: string[], headers: Record<string, string> = {}): Promise<string | number> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}v1/stream?set=default/equities`, protocols, { headers });
  const opened = once(socket, 'open').then(() => socket.protocol);
  const refused = once(socket, 'unexpected-response').then(([, response]) => Number(response.statusCode));
  socket.on('error', () => {});
  const result = await Promise.race([opened, refused]);
  socket.terminate();
  return result;
}

test('a WebSocket is served with the token as a header or as a subprotocol, which is not given back', async () => {
  expect(await open([], { Authorization: `Bearer ${token}` })).toBe('');
  expect(await open([], { Authorization: 'bearer another-token-of-16' })).toBe('');
  expect(await open(['ticker.v1', encoded(token)])).toBe('ticker.v1');
  expect(await open([encoded(token), 'ticker.v1'])).toBe('ticker.v1');
});

test.each<[string, string[], Record<string, string>]>([
  ['none', [], {}],
  ['a wrong one', [], { Authorization: 'Bearer a-wrong-token-of-16' }],
  ['a part of one', [], { Authorization: `Bearer ${token.slice(0, -1)}` }],
  ['another scheme', [], { Authorization: `Basic ${token}` }],
  ['a wrong subprotocol', ['ticker.v1', encoded('wrong')], {}],
])('with %s it is 401', async (_name, protocols, headers) => {
  expect(await open(protocols, headers)).toBe(401);
});

test('over HTTP too, but for the page and health; a page elsewhere may ask first', async () => {
  const status = async (path: string, init: RequestInit = {}) => (await fetch(`${url}${path}`, init)).status;
  const headers = { Authorization: `Bearer ${token}` };
  expect([await status(''), await status('healthz')]).toEqual([200, 200]);
  expect([await status('v1/sets'), await status('v1/sets', { headers })]).toEqual([401, 200]);
  expect(await status('v1/sets/default/equities/latest')).toBe(401);
  const refused = await fetch(`${url}v1/sets`);
  expect(refused.headers.get('www-authenticate')).toBe('Bearer');
  expect(await refused.json()).toMatchObject({ error: { code: 'GATEWAY_UNAUTHORIZED' } });
  const asking = { method: 'OPTIONS', headers: { Origin: 'https://desk.example.com' } };
  const allowed = await fetch(`${url}v1/sets`, asking);
  expect(allowed.status).toBe(204);
  expect(allowed.headers.get('access-control-allow-headers')).toBe('Authorization');
  expect(await status('v1/sets', { method: 'OPTIONS', headers: { Origin: 'https://evil.example.com' } })).toBe(403);
});
