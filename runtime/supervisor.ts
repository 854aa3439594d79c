import { type BackoffPolicy, backoffDelay } from './backoff.ts';
import { type Clock, sleep } from './clock.ts';
import { CodedError, describeError } from './errors.ts';
import type { Logger } from './log.ts';
import type { Random } from './random.ts';

/** A background task. It ends by returning, and should soon after `signal` is aborted. */
export type Task = (signal: AbortSignal) => Promise<void>;

export interface TaskPolicy {
  /** Waits between restarts; default 100 ms doubling to 30 s. */
  readonly backoff?: BackoffPolicy;
  /** Milliseconds of running well after which the next failure counts as the first again; default 60 s. */
  readonly healthyAfter?: number;
}

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  /** Called when a task cannot be restarted (it threw a terminal error): the process should end. */
  readonly onFatal: (name: string, error: unknown) => void;
}

const defaultBackoff: BackoffPolicy = { first: 100, most: 30_000 };

/**
 * Every background task runs under one of these: a failure is logged with the task's name, counted, and the task
 * restarted with backoff; a terminal error is handed to `onFatal`. So no promise floats and nothing dies in silence.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  /** What ends each task that runs. Single signals, for those made of others are slow to ask. */
  readonly #controllers = new Set<AbortController>();
  #stopped = false;
  readonly #running = new Map<string, Promise<void>>();
  /** Failures of each task since the start, by name. */
  readonly failures = new Map<string, number>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Names of the tasks that run now. */
  get tasks(): string[] {
    return [...this.#running.keys()];
  }

  /** Starts `task`; returns a function that stops it alone and waits for it. A name may be in use once at a time. */
  run(name: string, task: Task, policy: TaskPolicy = {}): () => Promise<void> {
    if (this.#running.has(name)) throw new Error(`a task named ${name} is already running`);
    const own = new AbortController();
    if (this.#stopped) own.abort();
    this.#controllers.add(own);
    const ended = this.#supervise(name, task, policy, own.signal).finally(() => {
      this.#controllers.delete(own);
      this.#running.delete(name);
    });
    this.#running.set(name, ended);
    return async () => {
      own.abort();
      await ended;
    };
  }

  /** Stops every task and waits for them. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const controller of this.#controllers) controller.abort();
    await Promise.all(this.#running.values());
  }

  async #supervise(name: string, task: Task, policy: TaskPolicy, signal: AbortSignal): Promise<void> {
    const { clock, log, random, onFatal } = this.#options;
    let attempt = 0;
    while (!signal.aborted) {
      const started = clock.monotonic();
      try {
        await task(signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.failures.set(name, (this.failures.get(name) ?? 0) + 1);
        if (error instanceof CodedError && error.persistence === 'terminal') {
          log.error({ event: 'task.failed', task: name, error }, describeError(error));
          onFatal(name, error);
          return;
        }
        if (clock.monotonic() - started > (policy.healthyAfter ?? 60_000)) attempt = 0;
        const wait = backoffDelay(policy.backoff ?? defaultBackoff, attempt++, random);
        log.error({ event: 'task.restarted', task: name, error, wait: Math.round(wait) }, describeError(error));
        await sleep(clock, wait, signal);
      }
    }
  }
}
