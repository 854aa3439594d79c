import { pino } from 'pino';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/log.ts';

/** FNV-1a, 32 bits. */
const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;

/** What happened in one run, line by line. The lines are kept only where somebody reads them; their hash always. */
export class Trace {
  readonly #clock: Clock;
  readonly #write: ((line: string) => void) | undefined;
  #hash = offsetBasis;
  #count = 0;

  /** @param write takes each line; nothing is written when absent */
  constructor(clock: Clock, write?: (line: string) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  /** Two runs of one seed have the same digest. */
  get digest(): string {
    return `${this.#count}-${(this.#hash >>> 0).toString(16).padStart(8, '0')}`;
  }

  /** @param what e.g. `fault`, `sink`, `user` */
  add(what: string, text: string): void {
    const line = `${(this.#clock.monotonic() / 1000).toFixed(3).padStart(9)}  ${what.padEnd(10)} ${text}`;
    this.#count++;
    for (let i = 0; i < line.length; i++) this.#hash = Math.imul(this.#hash ^ line.charCodeAt(i), prime);
    this.#write?.(line);
  }

  /** The log of one process, as lines of the trace; silent where nobody reads them. */
  logger(process: string): Logger {
    const write = this.#write;
    if (write === undefined) return deaf;
    const destination = {
      write: (line: string): void => {
        const { level: _, event, msg, error, ...rest } = JSON.parse(line) as Record<string, unknown>;
        const text = `${String(event ?? '')} ${String(msg ?? '')} ${JSON.stringify(rest)}`;
        write(`${(this.#clock.monotonic() / 1000).toFixed(3).padStart(9)}  ${process.padEnd(10)} ${text}`);
      },
    };
    return pino({ level: 'info', base: null, timestamp: false }, destination);
  }
}

const ignore = (): void => {};
/** A logger that nobody reads, for which nothing is made ready. */
const deaf: Logger = {
  trace: ignore,
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  fatal: ignore,
  child: () => deaf,
};
