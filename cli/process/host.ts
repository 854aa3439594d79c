import { type Clock, systemClock } from '../../runtime/clock.ts';
import { describeError } from '../../runtime/errors.ts';
import { createLogger, type Logger, LogLines, LogThreshold, logLevels } from '../../runtime/log.ts';
import { type HealthCheck, MetricsListener, type Route } from '../../runtime/metrics/listener.ts';
import { Metrics } from '../../runtime/metrics/metrics.ts';
import { registerProcessMetrics } from '../../runtime/metrics/process-metrics.ts';
import type { Random } from '../../runtime/random.ts';
import { Supervisor } from '../../runtime/supervisor.ts';
import { oneOf, wholeNumber } from '../options.ts';
import { version } from '../version.ts';
import { processRandom } from './connect.ts';
import { LogLevelControl } from './log-level.ts';

/** Options that every process has. */
export interface HostOptions {
  readonly httpHost: string;
  readonly httpPort: string;
  readonly logLevel: string;
  readonly logLevelFile?: string;
}

export interface ServeOptions {
  readonly ready: () => readonly HealthCheck[];
  readonly routes?: Readonly<Record<string, Route>>;
}

const signals = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * What a process of the cluster is made of: a log on standard error, supervised tasks, metrics, health at one port, and
 * an end in order at the first SIGTERM or SIGINT and at once at the second.
 */
export class ProcessHost {
  readonly clock: Clock = systemClock;
  readonly random: Random = processRandom();
  readonly logThreshold: LogThreshold;
  readonly log: Logger;
  readonly supervisor: Supervisor;
  readonly metrics = new Metrics();
  /** Resolves when it is to end, with the exit status. */
  readonly ended: Promise<number>;
  readonly #options: HostOptions;
  readonly #name: string;
  #listener: MetricsListener | undefined;

  constructor(name: string, options: HostOptions) {
    this.#name = name;
    this.#options = options;
    this.logThreshold = new LogThreshold(oneOf(options.logLevel, '--log-level', logLevels));
    const logLines = new LogLines();
    this.log = createLogger(this.logThreshold, process.stderr, logLines);
    const { log, clock } = this;
    const ended = Promise.withResolvers<number>();
    this.ended = ended.promise;
    const onFatal = (task: string, error: unknown): void => {
      log.fatal({ event: 'process.fatal', task, error }, describeError(error));
      ended.resolve(1);
    };
    this.supervisor = new Supervisor({ clock, log, random: this.random.fork('supervisor'), onFatal });
    registerProcessMetrics(this.metrics, { version, supervisor: this.supervisor, logLines });
    this.#followLogLevel(options.logLevelFile);
    let asked = false;
    for (const [signal, status] of Object.entries(signals)) {
      process.on(signal, () => {
        if (asked) process.exit(status);
        asked = true;
        log.info({ event: 'process.ending', signal }, 'ending in order; once more ends at once');
        ended.resolve(0);
      });
    }
  }

  #followLogLevel(path: string | undefined): void {
    const control = new LogLevelControl(this.logThreshold, this.log);
    process.on('SIGUSR2', () => control.toggle());
    if (path === undefined) return;
    this.supervisor.run('log-level', (signal) => control.follow(path, this.clock, signal));
  }

  /** Starts to serve metrics and health; returns the port. @throws METRICS_CANNOT_LISTEN */
  async serve({ ready, routes = {} }: ServeOptions): Promise<number> {
    const { httpHost: host } = this.#options;
    const port = wholeNumber(this.#options.httpPort, '--http-port', 0, 65_535);
    const { log, metrics } = this;
    this.#listener = new MetricsListener({ metrics, log, host, port, ready, routes });
    const bound = await this.#listener.listen();
    log.info(
      { event: 'process.listening', process: this.#name, version, port: bound.port },
      'serving metrics and health',
    );
    return bound.port;
  }

  /** The last step: ends what is left, and the process. */
  async exit(status: number): Promise<never> {
    await this.supervisor.stop();
    await this.#listener?.close();
    this.log.info({ event: 'process.ended', process: this.#name, status }, 'ended');
    process.exit(status);
  }
}
