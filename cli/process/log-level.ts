import { readFile } from 'node:fs/promises';
import { type Clock, sleep } from '../../runtime/clock.ts';
import { describeError } from '../../runtime/errors.ts';
import { type Logger, type LogLevel, type LogThreshold, logLevels } from '../../runtime/log.ts';

/** Milliseconds between looks at the file: a ConfigMap's change takes the kubelet longer. */
const lookInterval = 5_000;

/** What is set by hand: the level of the start, and the switch to `debug`. */
export class LogLevelControl {
  readonly #threshold: LogThreshold;
  readonly #log: Logger;
  #chosen: LogLevel;
  #verbose = false;
  #problem: string | undefined;

  constructor(threshold: LogThreshold, log: Logger) {
    this.#threshold = threshold;
    this.#log = log;
    this.#chosen = threshold.level;
  }

  /** Switches to `debug`, and back. */
  toggle(): void {
    this.#verbose = !this.#verbose;
    this.#set('a signal');
  }

  /** Follows a file that holds a level, until it is aborted. What is no level, or cannot be read, changes nothing. */
  async follow(path: string, clock: Clock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.read(path);
      await sleep(clock, lookInterval, signal);
    }
  }

  /** Looks once. */
  async read(path: string): Promise<void> {
    try {
      const text = (await readFile(path, 'utf8')).trim();
      const level = logLevels.find((known) => known === text);
      if (level === undefined) throw new Error(`'${text.slice(0, 40)}' is none of ${logLevels.join(', ')}`);
      this.#problem = undefined;
      this.#chosen = level;
      this.#set(path);
    } catch (error) {
      const problem = describeError(error);
      if (problem !== this.#problem) this.#log.warn({ event: 'log.levelNotKnown', path }, problem);
      this.#problem = problem;
    }
  }

  #set(by: string): void {
    const level = this.#verbose ? 'debug' : this.#chosen;
    const before = this.#threshold.level;
    if (level === before) return;
    // Said at whichever of the two writes more, so that the change itself is seen.
    const say = (): void => this.#log.info({ event: 'log.level', level, before, by }, `the level is ${level}`);
    if (logLevels.indexOf(before) < logLevels.indexOf(level)) say();
    this.#threshold.level = level;
    if (logLevels.indexOf(before) > logLevels.indexOf(level)) say();
  }
}
