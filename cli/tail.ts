import { systemClock } from '../runtime/clock.ts';
import { CodedError, describeError } from '../runtime/errors.ts';
import { silentLogger } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import type { RedisAccess } from '../ticker/sinks/redis/connection.ts';
import { RedisReader } from '../ticker/sinks/redis/redis-reader.ts';
import { type GatewayAddress, openGatewayStream } from './gateway-client.ts';
import { namespacedName, oneOf, wholeNumber } from './options.ts';
import { type RedisCliOptions, redisLogin } from './redis-options.ts';
import { TickPrinter } from './tick-printer.ts';

interface Options extends RedisCliOptions, GatewayAddress {
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
      ? await openGatewayStream(options, `${namespace}/${name}`, receive, done)
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
