import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import type { ShardIdentity } from '../../crds/index.ts';
import type { BearerTokens } from '../../runtime/bearer-tokens.ts';
import { CodedError, describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Route } from '../../runtime/metrics/listener.ts';
import type { AccountName, MarketData } from '../market-data.ts';
import { badQuestion, marketDataRefused, shardUnavailable } from './errors.ts';
import { maxQuestions } from './limits.ts';
import { instrumentsPath, masterChunks, spotPath } from './wire.ts';

export interface MarketDataRoutesOptions {
  readonly marketData: MarketData;
  readonly log: Logger;
  /** Who may ask; everybody who can reach the port where absent. */
  readonly tokens?: BearerTokens | undefined;
}

/** A shard's {@link MarketData} over HTTP: `/v1/instruments` as gzipped lines of JSON, `/v1/spot` as JSON. */
export function marketDataRoutes({
  marketData,
  log,
  tokens,
}: MarketDataRoutesOptions): Readonly<Record<string, Route>> {
  let questions = 0;
  const answering =
    (answer: (url: URL, response: ServerResponse, signal: AbortSignal) => Promise<void>): Route =>
    async (request, response, url) => {
      try {
        if (tokens !== undefined && !(await tokens.allow(request.headers.authorization))) {
          throw marketDataRefused('the question carries no token that this shard knows');
        }
        if (questions >= maxQuestions) throw shardUnavailable(`${questions} questions are being answered already`);
        questions++;
        try {
          await answer(url, response, closed(response));
        } finally {
          questions--;
        }
      } catch (error) {
        if (response.headersSent || response.destroyed) {
          response.destroy();
          log.debug({ event: 'marketData.brokenOff', path: url.pathname }, describeError(error));
        } else refuse(response, error);
      }
    };
  return {
    [instrumentsPath]: answering(async (url, response, signal) => {
      const master = await marketData.instruments(shardOf(url), accountOf(url), signal);
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson', 'Content-Encoding': 'gzip' });
      const gzip = createGzip({ level: constants.Z_BEST_SPEED });
      await pipeline(Readable.from(masterChunks(master)), gzip, response);
    }),
    [spotPath]: answering(async (url, response, signal) => {
      const prices = await marketData.spot(shardOf(url), accountOf(url), tokensOf(url), signal);
      send(response, 200, JSON.stringify({ prices: [...prices] }));
    }),
  };
}

function shardOf(url: URL): ShardIdentity {
  const [shard, uid] = pairOf(url, 'shard');
  return { shard, uid };
}

function accountOf(url: URL): AccountName {
  const [namespace, name] = pairOf(url, 'account');
  return { namespace, name };
}

function pairOf(url: URL, parameter: string): readonly [string, string] {
  const [first = '', second = '', ...rest] = (url.searchParams.get(parameter) ?? '').split('/');
  if (first === '' || second === '' || rest.length > 0)
    throw badQuestion(`${parameter} is missing, or not of two parts`);
  return [first, second];
}

function tokensOf(url: URL): number[] {
  const text = url.searchParams.get('tokens') ?? '';
  if (!/^\d+(,\d+)*$/.test(text)) throw badQuestion('tokens is missing, or no list of numbers');
  return text.split(',').map(Number);
}

/** Aborted when nobody reads the answer any more, or it is over: a listener on the socket would outlive the question. */
function closed(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}

function refuse(response: ServerResponse, error: unknown): void {
  const { code, message } =
    error instanceof CodedError ? error : shardUnavailable('something went wrong', { cause: error });
  const status = code === 'MARKET_DATA_REFUSED' ? 401 : code === 'MARKET_DATA_BAD_REQUEST' ? 400 : 503;
  send(response, status, JSON.stringify({ error: { code, message } }));
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}
