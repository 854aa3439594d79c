import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { BearerTokens } from '../../runtime/bearer-tokens.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLogger } from '../../runtime/log.ts';
import { MetricsListener } from '../../runtime/metrics/listener.ts';
import { Metrics } from '../../runtime/metrics/metrics.ts';
import type { Instrument, MarketData } from '../market-data.ts';
import { MarketDataClient } from './client.ts';
import { shardUnavailable } from './errors.ts';
import { marketDataRoutes } from './routes.ts';

const shard = { shard: 'ticker-0', uid: 'pod-uid' };
const account = { namespace: 'desk', name: 'a' };
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function instrument(token: number): Instrument {
  const row = {
    token,
    exchange: 'NFO',
    symbol: `M&M ${token} "é"`,
    name: 'NIFTY',
    segment: 'NFO-OPT',
    strike: 24_000.5,
  };
  const type = token % 2 === 0 ? 'CE' : 'PE';
  return { ...row, type, tickSize: 0.05, lotSize: 75, ...(token % 3 === 0 ? {} : { expiry: '2026-01-27' }) };
}

async function serve(marketData: Partial<MarketData>, tokens?: BearerTokens): Promise<MarketDataClient> {
  const data: MarketData = {
    instruments: () => Promise.reject(shardUnavailable('no')),
    spot: () => Promise.reject(shardUnavailable('no')),
    ...marketData,
  };
  const routes = marketDataRoutes({ marketData: data, log: silentLogger, tokens });
  const listener = new MetricsListener({ metrics: new Metrics(), log: silentLogger, routes });
  const { port } = await listener.listen();
  ends.push(() => listener.close());
  return new MarketDataClient({ addressOf: () => `127.0.0.1:${port}`, tokens });
}

/** A shard that answers whatever `answer` writes. */
async function badShard(answer: Parameters<typeof createServer>[1]): Promise<MarketDataClient> {
  const server: Server = createServer(answer ?? (() => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return new MarketDataClient({ addressOf: () => `127.0.0.1:${port}` });
}

function tokenFile(...tokens: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'tokens-'));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'tokens');
  writeFileSync(file, tokens.join('\n'));
  return file;
}

test('a master of 100,000 instruments arrives as it was', { timeout: 60_000 }, async () => {
  const instruments = Array.from({ length: 100_000 }, (_, index) => instrument(index));
  const master = { version: 'v7', loadedAt: 1_767_000_000_123, instruments };
  const asked: unknown[] = [];
  const ask: MarketData['instruments'] = async (...args) => {
    asked.push(args.slice(0, 2));
    return master;
  };
  const client = await serve({ instruments: ask });
  expect(await client.instruments(shard, account)).toEqual(master);
  expect(asked).toEqual([[shard, account]]);
});

test('prices by token, those that there are', async () => {
  const client = await serve({ spot: async (_shard, _account, tokens) => new Map([[tokens[1] ?? 0, 24_010.05]]) });
  expect(await client.spot(shard, account, [1, 256_265])).toEqual(new Map([[256_265, 24_010.05]]));
  expect(await client.spot(shard, account, [])).toEqual(new Map());
});

test('what the shard says of its failure is passed on, to be tried again', async () => {
  const client = await serve({});
  await expect(client.instruments(shard, account)).rejects.toMatchObject({
    code: 'MARKET_DATA_UNAVAILABLE',
    persistence: 'retryable',
    message: '503: no',
  });
});

test('only who has the token is answered', async () => {
  const path = tokenFile('a-token-of-some-length', 'an-older-token-of-ours');
  const tokens = new BearerTokens(path, systemClock, silentLogger);
  const spot = async () => new Map([[1, 2]]);
  const client = await serve({ spot }, tokens);
  expect(await client.spot(shard, account, [1])).toEqual(new Map([[1, 2]]));
  const wrong = new BearerTokens(tokenFile('another-token-than-that'), systemClock, silentLogger);
  const { port } = await (async () => {
    const routes = marketDataRoutes({ marketData: { spot } as unknown as MarketData, log: silentLogger, tokens });
    const listener = new MetricsListener({ metrics: new Metrics(), log: silentLogger, routes });
    ends.push(() => listener.close());
    return listener.listen();
  })();
  for (const held of [wrong, undefined]) {
    const stranger = new MarketDataClient({ addressOf: () => `127.0.0.1:${port}`, tokens: held });
    await expect(stranger.spot(shard, account, [1])).rejects.toMatchObject({ code: 'MARKET_DATA_REFUSED' });
  }
});

test('an answer that is cut off, is no master, or never comes is an error, not half a master', async () => {
  const head = JSON.stringify({ version: 'v', loadedAt: 1, rows: 2 });
  const row = JSON.stringify([1, 'NSE', 'INFY', 'INFOSYS', 'NSE', 'EQ', null, 0, 0.05, 1]);
  const gzipped = { 'Content-Encoding': 'gzip' };
  const answers: Record<string, NonNullable<Parameters<typeof createServer>[1]>> = {
    'cut off': (_request, response) => response.end(`${head}\n${row}\n`),
    'more rows': (_request, response) => response.end(`${head}\n${row}\n${row}\n${row}\n`),
    'not JSON': (_request, response) => response.end(`${head}\n<html>\n`),
    'not a row': (_request, response) => response.end(`${head}\n[1,2]\n`),
    'too many': (_request, response) => response.end('{"version":"v","loadedAt":1,"rows":99999999}\n'),
    'no line end': (_request, response) => response.end('x'.repeat(100_000)),
    'broken gzip': (_request, response) => {
      response.writeHead(200, gzipped);
      response.end(gzipSync(`${head}\n${row}\n${row}\n`).subarray(0, 30));
    },
    closed: (request) => request.socket.destroy(),
  };
  for (const [name, answer] of Object.entries(answers)) {
    const client = await badShard(answer);
    await expect(client.instruments(shard, account), name).rejects.toMatchObject({ code: 'MARKET_DATA_UNAVAILABLE' });
  }
});

test('bad questions name what is wrong', async () => {
  const routes = marketDataRoutes({ marketData: {} as MarketData, log: silentLogger });
  const listener = new MetricsListener({ metrics: new Metrics(), log: silentLogger, routes });
  ends.push(() => listener.close());
  const { url } = await listener.listen();
  for (const path of ['v1/spot?shard=a/b&account=c/d&tokens=1,x', 'v1/instruments?shard=a&account=c/d']) {
    const response = await fetch(`${url}${path}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'MARKET_DATA_BAD_REQUEST' } });
  }
});
