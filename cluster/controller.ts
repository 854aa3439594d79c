import type { Clock } from '../runtime/clock.ts';
import { CodedError, describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import { WorkQueue, type WorkQueueOptions } from './work-queue.ts';

export interface ReconcileContext {
  /** Aborted when the controller stops or the reconcile has taken too long. */
  readonly signal: AbortSignal;
  /** Carries the controller, the key and the reconcile's id. */
  readonly log: Logger;
}

/** Milliseconds after which the key is due again, where it should be. */
export interface ReconcileResult {
  readonly requeueAfter?: number;
}

/** Brings one key's objects to what they should be, from whatever they are: level-triggered. */
export type Reconcile = (key: string, context: ReconcileContext) => Promise<ReconcileResult>;

export interface ControllerOptions {
  readonly name: string;
  readonly reconcile: Reconcile;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly supervisor: Supervisor;
  /** Keys worked on at once; default 1. */
  readonly workers?: number;
  /** Milliseconds that a reconcile may take before its signal is aborted; default 60 s. */
  readonly timeout?: number;
  readonly queue?: Pick<WorkQueueOptions, 'backoff' | 'maxKeys'>;
}

const defaultTimeout = 60_000;

/**
 * Works keys off a {@link WorkQueue}: a failure is retried with the key's own backoff, a terminal error only when the
 * key is added again. A key is never reconciled twice at once, so one that ignores its aborted signal holds its worker.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly queue: WorkQueue;
  #stops: (() => Promise<void>)[] = [];
  /** Since the start; for metrics. */
  readonly counts = { reconciled: 0, retried: 0, terminal: 0, timedOut: 0 };

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.queue = new WorkQueue({ clock: options.clock, random: options.random, ...options.queue });
  }

  start(): void {
    const { name, workers = 1, supervisor } = this.#options;
    for (let worker = 0; worker < workers; worker++) {
      this.#stops.push(supervisor.run(`${name}/worker-${worker}`, (signal) => this.#work(signal)));
    }
  }

  /** Ends the workers after the reconciles that run now. */
  async stop(): Promise<void> {
    await Promise.all(this.#stops.splice(0).map((stop) => stop()));
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.queue.get(signal);
      if (key === undefined) return;
      try {
        await this.#reconcile(key, signal);
      } finally {
        this.queue.done(key);
      }
    }
  }

  async #reconcile(key: string, stopped: AbortSignal): Promise<void> {
    const { name, clock, random, timeout = defaultTimeout } = this.#options;
    const id = random.integer(0x1_0000_0000).toString(16).padStart(8, '0');
    const log = this.#options.log.child({ controller: name, key, reconcile: id });
    const late = new AbortController();
    const onLate = (): void => {
      this.counts.timedOut++;
      log.error({ event: 'reconcile.late', timeout }, 'the reconcile takes too long; its signal is aborted');
      late.abort();
    };
    const timer = clock.setTimer(timeout, onLate, { background: true });
    try {
      const signal = AbortSignal.any([stopped, late.signal]);
      const { requeueAfter } = await this.#options.reconcile(key, { signal, log });
      this.counts.reconciled++;
      this.queue.forget(key);
      if (requeueAfter !== undefined) this.queue.addAfter(key, requeueAfter);
    } catch (error) {
      if (!stopped.aborted) this.#failed(key, error, log);
    } finally {
      timer.cancel();
    }
  }

  #failed(key: string, error: unknown, log: Logger): void {
    if (error instanceof CodedError && error.persistence === 'terminal') {
      this.counts.terminal++;
      this.queue.forget(key);
      log.error({ event: 'reconcile.terminal', error }, describeError(error));
      return;
    }
    this.counts.retried++;
    const wait = this.queue.retry(key);
    log.warn({ event: 'reconcile.failed', wait: Math.round(wait), error }, describeError(error));
  }
}
