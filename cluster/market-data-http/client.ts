import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import type { ShardIdentity } from '../../crds/index.ts';
import type { BearerTokens } from '../../runtime/bearer-tokens.ts';
import { CodedError, describeError } from '../../runtime/errors.ts';
import { lines } from '../kubernetes/lines.ts';
import type { AccountName, InstrumentMaster, MarketData } from '../market-data.ts';
import { marketDataRefused, shardUnavailable } from './errors.ts';
import { idleTimeout, maxAnswerBytes, maxInstruments, maxLineBytes } from './limits.ts';
import { instrumentsPath, readMaster, spotPath } from './wire.ts';

export interface MarketDataClientOptions {
  /** `HOST:PORT` of a shard; undefined where it is not known. */
  readonly addressOf: (shard: ShardIdentity) => string | undefined;
  /** The first of them is sent; none where absent. */
  readonly tokens?: BearerTokens | undefined;
}

/** Asks shards over HTTP. Every failure is a coded, retryable error. */
export class MarketDataClient implements MarketData {
  readonly #options: MarketDataClientOptions;

  constructor(options: MarketDataClientOptions) {
    this.#options = options;
  }

  async instruments(shard: ShardIdentity, account: AccountName, signal?: AbortSignal): Promise<InstrumentMaster> {
    return this.#ask(shard, question(instrumentsPath, shard, account), signal, (message) =>
      readMaster(linesOf(message), maxInstruments),
    );
  }

  async spot(
    shard: ShardIdentity,
    account: AccountName,
    tokens: readonly number[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<number, number>> {
    if (tokens.length === 0) return new Map();
    const path = `${question(spotPath, shard, account)}&tokens=${tokens.join(',')}`;
    return this.#ask(shard, path, signal, async (message) => pricesIn(JSON.parse(await textOf(message))));
  }

  async #ask<T>(
    shard: ShardIdentity,
    path: string,
    signal: AbortSignal | undefined,
    read: (message: IncomingMessage) => Promise<T>,
  ): Promise<T> {
    const { addressOf, tokens } = this.#options;
    const address = addressOf(shard);
    if (address === undefined) throw shardUnavailable(`the address of shard ${shard.shard} is not known yet`);
    const authorization = tokens === undefined ? {} : { Authorization: `Bearer ${await tokens.first()}` };
    try {
      const message = await get(`http://${address}${path}`, { ...authorization, 'Accept-Encoding': 'gzip' }, signal);
      try {
        if (message.statusCode !== 200) throw await refusalOf(message);
        return await read(message);
      } finally {
        message.destroy();
      }
    } catch (error) {
      if (error instanceof CodedError) throw error;
      throw shardUnavailable(`shard ${shard.shard} at ${address}: ${describeError(error)}`, { cause: error });
    }
  }
}

function question(path: string, shard: ShardIdentity, account: AccountName): string {
  const query = new URLSearchParams({
    shard: `${shard.shard}/${shard.uid}`,
    account: `${account.namespace}/${account.name}`,
  });
  return `${path}?${query}`;
}

function get(url: string, headers: Record<string, string>, signal: AbortSignal | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { headers, agent: false, timeout: idleTimeout, ...(signal && { signal }) });
    sent.once('response', resolve);
    sent.once('error', reject);
    sent.once('timeout', () => sent.destroy(new Error(`silent for ${idleTimeout} ms`)));
    sent.end();
  });
}

/** Lines of the body, unpacked; none is longer than its bound. */
function linesOf(message: IncomingMessage): AsyncIterable<string> {
  const body = message.headers['content-encoding'] === 'gzip' ? unpacked(message) : message;
  return lines(body, maxLineBytes, () => shardUnavailable(`a row has more than ${maxLineBytes} bytes`));
}

function unpacked(message: IncomingMessage): AsyncIterable<Buffer> {
  const gunzip = createGunzip();
  message.once('error', (error) => gunzip.destroy(error));
  return message.pipe(gunzip);
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) throw shardUnavailable(`the answer has more than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function pricesIn(answer: unknown): ReadonlyMap<number, number> {
  const prices = typeof answer === 'object' && answer !== null && 'prices' in answer ? answer.prices : undefined;
  if (!Array.isArray(prices)) throw shardUnavailable('the answer holds no prices');
  return new Map(
    prices.map((pair: unknown) => {
      if (!Array.isArray(pair) || typeof pair[0] !== 'number' || typeof pair[1] !== 'number') {
        throw shardUnavailable('a price of the answer is none');
      }
      return [pair[0], pair[1]] as const;
    }),
  );
}

async function refusalOf(message: IncomingMessage): Promise<CodedError> {
  const text = (await textOf(message)).slice(0, 1000);
  let said = text;
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } };
    if (typeof error?.message === 'string') said = error.message;
  } catch {
    // No JSON: a proxy in between; its own words are passed on.
  }
  return message.statusCode === 401 ? marketDataRefused(said) : shardUnavailable(`${message.statusCode}: ${said}`);
}
