import { WebSocket } from 'ws';
import { z } from 'zod';
import { BearerTokens } from '../runtime/bearer-tokens.ts';
import { systemClock } from '../runtime/clock.ts';
import { CodedError, defineError, describeError } from '../runtime/errors.ts';
import { silentLogger } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import type { RedisAccess } from '../ticker/sinks/redis/connection.ts';
import { RedisReader } from '../ticker/sinks/redis/redis-reader.ts';
import { namespacedName, oneOf, wholeNumber } from './options.ts';
import { type RedisCliOptions, redisLogin } from './redis-options.ts';
import { TickPrinter } from './tick-printer.ts';

const gatewayRefused = defineError(
  'TAIL_GATEWAY_REFUSED',
  'terminal',
  'Check the name of the set and that --gateway is where one listens.',
);

interface Options extends RedisCliOptions {
  readonly gateway: string;
  readonly tokenFile?: string;
  readonly channel?: string;
  readonly count?: string;
  readonly format: string;
}

/** Prints a set's ticks until it is interrupted or has seen enough, then says what was received and what was missing. */
export async function tailCommand(set: string, options: Options): Promise<void> {
  const { namespace, name } = namespacedName(set);
  const format = oneOf(options.format, '--format', ['table', 'json', 'batches'] as const);
  const count = options.count === undefined ? Infinity : wholeNumber(options.count, '--count', 1, 1e9);
  const printer = new TickPrinter({
    clock: systemClock,
    write: (line) => console.log(line),
    format,
    linesPerSecond: Infinity,
  });
  const done = Promise.withResolvers<void>();
  process.once('SIGINT', () => done.resolve());
  process.once('SIGTERM', () => done.resolve());
  const receive = (payload: string | Uint8Array): void => {
    if (printer.sequence.totals.batches >= count) return;
    printer.receive(payload);
    if (printer.sequence.totals.batches >= count) done.resolve();
  };
  const close =
    options.redis === undefined
      ? await readGateway(options, `${namespace}/${name}`, receive, done)
      : await readRedis(
          { url: options.redis, ...(await redisLogin(options)) },
          options.channel ?? `ticks:${namespace}:${name}`,
          receive,
        );
  try {
    await done.promise;
  } finally {
    await close();
  }
  const { batches, ticks, heartbeats, missing, duplicates, older, told } = printer.sequence.totals;
  console.error(
    `tail: batches=${batches} ticks=${ticks} heartbeats=${heartbeats} missing=${missing} duplicates=${duplicates} older=${older} gaps_told=${told}`,
  );
  if (missing > 0) process.exitCode = 1;
}

async function readGateway(
  { gateway, tokenFile }: Pick<Options, 'gateway' | 'tokenFile'>,
  set: string,
  receive: (payload: string | Uint8Array) => void,
  done: PromiseWithResolvers<void>,
): Promise<() => Promise<void>> {
  const tokens = tokenFile === undefined ? undefined : new BearerTokens(tokenFile, systemClock, silentLogger);
  await tokens?.load();
  const token = await tokens?.first();
  const socket = new WebSocket(`${gateway.replace(/\/$/, '')}/v1/stream?set=${encodeURIComponent(set)}`, {
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
  });
  const opened = Promise.withResolvers<void>();
  socket.on('open', () => opened.resolve());
  socket.on('unexpected-response', (_request, response) => {
    let text = '';
    response.on('data', (chunk) => {
      text = (text + String(chunk)).slice(0, 2000);
    });
    response.on('end', () => opened.reject(gatewayRefused(refusalMessage(text, response.statusCode ?? 0))));
  });
  socket.on('error', (error) => opened.reject(gatewayRefused(`${gateway}: ${error.message}`)));
  socket.on('message', (data: Buffer, binary) => {
    try {
      receive(binary ? data : String(data));
    } catch (error) {
      done.reject(error);
    }
  });
  socket.on('close', () => {
    opened.reject(gatewayRefused(`${gateway} closed the connection`));
    done.resolve();
  });
  await opened.promise;
  return async () => socket.close();
}

const refusal = z.object({ error: z.object({ message: z.string() }) });

function refusalMessage(body: string, status: number): string {
  try {
    return refusal.parse(JSON.parse(body)).error.message;
  } catch {
    return `the gateway answered ${status}`;
  }
}

async function readRedis(
  access: RedisAccess,
  channel: string,
  receive: (payload: string | Uint8Array) => void,
): Promise<() => Promise<void>> {
  const reader = new RedisReader({ ...access, clock: systemClock, random: new SeededRandom(1), log: silentLogger });
  try {
    await reader.subscribe(channel, ({ payload }) => receive(payload));
  } catch (error) {
    await reader.close();
    throw error instanceof CodedError ? error : new Error(describeError(error));
  }
  return () => reader.close();
}
