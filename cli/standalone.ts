import { describeError } from '../runtime/errors.ts';
import { createLogger, LogLines, LogThreshold, logLevels } from '../runtime/log.ts';
import { oneOf, wholeNumber } from './options.ts';
import { LogLevelControl } from './process/log-level.ts';
import { type RedisCliOptions, redisLogin } from './redis-options.ts';
import { StandaloneProcess } from './standalone-process.ts';

interface Options extends RedisCliOptions {
  readonly file: readonly string[];
  readonly shards: string;
  readonly spool?: string;
  readonly host: string;
  readonly port: string;
  readonly simulatorPort: string;
  readonly metricsPort?: string;
  readonly seed: string;
  readonly print?: boolean;
  readonly logLevel: string;
}

/** Runs everything until it is interrupted, drains, and prints the summary. */
export async function standaloneCommand(options: Options): Promise<void> {
  const logLines = new LogLines();
  const threshold = new LogThreshold(oneOf(options.logLevel, '--log-level', logLevels));
  const log = createLogger(threshold, process.stderr, logLines);
  const levels = new LogLevelControl(threshold, log);
  const show = (line: string): void => console.log(line);
  const ended = Promise.withResolvers<void>();
  const standalone = new StandaloneProcess({
    paths: options.file,
    shards: wholeNumber(options.shards, '--shards', 1, 64),
    redis: options.redis,
    redisLogin: await redisLogin(options),
    spool: options.spool,
    host: options.host,
    port: wholeNumber(options.port, '--port', 0, 65_535),
    simulatorPort: wholeNumber(options.simulatorPort, '--simulator-port', 0, 65_535),
    metricsPort:
      options.metricsPort === undefined ? undefined : wholeNumber(options.metricsPort, '--metrics-port', 0, 65_535),
    seed: wholeNumber(options.seed, '--seed', 0, 0xffff_ffff),
    print: options.print === true,
    log,
    logLines,
    show,
    onFatal: (name, error) => {
      show(`error: ${name}: ${describeError(error)}`);
      process.exitCode = 1;
      ended.resolve();
    },
  });
  let interrupted = false;
  const interrupt = (): void => {
    if (interrupted) process.exit(130);
    interrupted = true;
    show('draining    (once more ends at once)');
    ended.resolve();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  process.on('SIGUSR2', () => levels.toggle());
  await standalone.start();
  await ended.promise;
  const { ticksIn, published, batches, invalid, late, lost, spooled } = await standalone.drain();
  show(
    `summary: ticks_in=${ticksIn} published=${published} batches=${batches} invalid=${invalid} late=${late} lost=${lost}${
      options.spool === undefined ? '' : ` spooled=${spooled}`
    }`,
  );
  if (spooled > 0) show(`spool       ${spooled} ticks are sealed in ${options.spool}; the next start delivers them`);
  process.exit(process.exitCode ?? 0);
}
