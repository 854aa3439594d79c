import { levels, type Logger as Pino, pino, stdSerializers } from 'pino';
import type { LogEvent } from './log-events.ts';

/** What a line carries beside its message. */
export interface LogFields {
  readonly event: LogEvent;
  readonly [field: string]: unknown;
}

export type LogMethod = (fields: LogFields, message: string) => void;

/**
 * A structured logger. Each line carries a stable `event` code, so that lines can be searched for without parsing
 * prose: `log.info({ event: 'slice.named', slice, epoch }, 'owner named')`.
 */
export interface Logger extends Readonly<Record<Exclude<LogLevel, 'silent'>, LogMethod>> {
  child(bindings: Readonly<Record<string, unknown>>): Logger;
}

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

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

/** From which level on lines are written: one for a logger and all its children, and it may change while they are used. */
export class LogThreshold {
  #level: LogLevel;
  #number: number;
  readonly #listeners: ((level: LogLevel) => void)[] = [];

  constructor(level: LogLevel) {
    this.#level = level;
    this.#number = numberOf(level);
  }

  get level(): LogLevel {
    return this.#level;
  }

  set level(level: LogLevel) {
    if (level === this.#level) return;
    this.#level = level;
    this.#number = numberOf(level);
    for (const listener of this.#listeners) listener(level);
  }

  /** Whether lines of a level, by pino's number of it, are written. */
  passes(number: number): boolean {
    return number >= this.#number;
  }

  /** Calls it after each change, for as long as the process lives. */
  onChange(listener: (level: LogLevel) => void): void {
    this.#listeners.push(listener);
  }
}

function numberOf(level: LogLevel): number {
  return levels.values[level] ?? Number.POSITIVE_INFINITY;
}

/** Creates the process's root logger: JSON lines on standard error, counted in `lines` where that is given. */
export function createLogger(
  level: LogLevel | LogThreshold,
  destination: { write(line: string): void } = process.stderr,
  lines?: LogLines,
): Logger {
  const threshold = typeof level === 'string' ? new LogThreshold(level) : level;
  const paths = redactedKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);
  const options = {
    // The threshold decides: a level of pino's would be copied into each child when it is made, and stay.
    level: 'trace',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths, censor: '[redacted]' },
    serializers: { error: stdSerializers.errWithCause },
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: {
      logMethod(this: Pino, args: Parameters<Pino['info']>, method: Pino['info'], number: number): void {
        if (!threshold.passes(number)) return;
        lines?.add(levels.labels[number] ?? '');
        method.apply(this, args);
      },
    },
  };
  return pino(options, destination);
}

/** A logger that writes nothing; for tests. */
export const silentLogger: Logger = createLogger('silent', { write: () => undefined });
