import { levels, type Logger as Pino, pino, stdSerializers } from 'pino';

/**
 * A structured logger. Each line carries a stable `event` code, so that lines can be searched for without parsing
 * prose: `log.info({ event: 'slice.claimed', slice, epoch }, 'claimed')`.
 */
export type Logger = Pick<Pino, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'level'> & {
  child(bindings: Record<string, unknown>): Logger;
};

/** Keys whose values are never written, wherever they stand in a logged object up to three levels deep. */
export const redactedKeys = [
  'accessToken',
  'access_token',
  'apiSecret',
  'api_secret',
  'apiKey',
  'api_key',
  'password',
  'authorization',
  'token_secret',
];

/** How many lines were logged, by level. */
export class LogLines {
  readonly #counts = new Map<string, number>();

  /** Lines of a level since the start. */
  count(level: string): number {
    return this.#counts.get(level) ?? 0;
  }

  add(level: string): void {
    this.#counts.set(level, this.count(level) + 1);
  }
}

/** Creates the process's root logger: JSON lines on standard error, counted in `lines` where that is given. */
export function createLogger(
  level: string,
  destination: { write(line: string): void } = process.stderr,
  lines?: LogLines,
): Logger {
  const paths = redactedKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths, censor: '[redacted]' },
      serializers: { error: stdSerializers.errWithCause },
      formatters: { level: (label) => ({ level: label }) },
      hooks: {
        logMethod(args, method, number) {
          lines?.add(levels.labels[number] ?? '');
          method.apply(this, args);
        },
      },
    },
    destination,
  );
}

/** A logger that writes nothing; for tests. */
export const silentLogger: Logger = pino({ level: 'silent' });
