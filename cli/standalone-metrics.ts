import { operatorObserver, registerOperatorMetrics } from '../operator/metrics/operator-metrics.ts';
import type { Operator } from '../operator/operator.ts';
import type { OperatorObserver } from '../operator/vitals.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';
import { type Logger, LogLines } from '../runtime/log.ts';
import { type HealthCheck, MetricsListener } from '../runtime/metrics/listener.ts';
import { Metrics } from '../runtime/metrics/metrics.ts';
import { registerProcessMetrics } from '../runtime/metrics/process-metrics.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import type { Gateway } from '../ticker/gateway/gateway.ts';
import { registerGatewayMetrics } from '../ticker/metrics/gateway-metrics.ts';
import { MeteredSink } from '../ticker/metrics/metered-sink.ts';
import { frameObserver, registerShardMetrics } from '../ticker/metrics/shard-metrics.ts';
import type { Shard } from '../ticker/shard/shard.ts';
import type { Sink } from '../ticker/sinks/sink.ts';
import { version } from './version.ts';

export interface StandaloneMetricsOptions {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly logLines?: LogLines | undefined;
  readonly supervisor: Supervisor;
  readonly show: (line: string) => void;
  readonly ready: () => readonly HealthCheck[];
}

/** Milliseconds between attempts to listen. */
const retryInterval = 2000;

/** One registry and one listener for every part that standalone runs. */
export class StandaloneMetrics {
  readonly #metrics = new Metrics();
  readonly #options: StandaloneMetricsOptions;
  #listener: MetricsListener | undefined;

  constructor(options: StandaloneMetricsOptions) {
    this.#options = options;
    const { supervisor, logLines = new LogLines() } = options;
    registerProcessMetrics(this.#metrics, { version, supervisor, logLines });
  }

  /** What a shard's options take so that it is measured. */
  shardOptions(shard: string, sink: Sink): { readonly sink: Sink; readonly observeFrame: (seconds: number) => void } {
    const { clock } = this.#options;
    const metrics = this.#metrics;
    return { sink: new MeteredSink({ sink, metrics, clock, shard }), observeFrame: frameObserver(metrics, shard) };
  }

  addShard(shard: Shard): void {
    registerShardMetrics(this.#metrics, shard, this.#options.clock);
  }

  get operatorObserver(): OperatorObserver {
    return operatorObserver(this.#metrics);
  }

  addOperator(operator: Operator): void {
    registerOperatorMetrics(this.#metrics, operator, this.#options.clock);
  }

  addGateway(gateway: Gateway): void {
    registerGatewayMetrics(this.#metrics, gateway);
  }

  /** Supervised task: listens, and tries again while the port is taken. */
  async serve(signal: AbortSignal): Promise<void> {
    const { host, port, log, ready, show, clock } = this.#options;
    for (let told = false; !signal.aborted; await sleep(clock, retryInterval, signal)) {
      const listener = new MetricsListener({ metrics: this.#metrics, log, host, port, ready });
      try {
        const { url } = await listener.listen();
        this.#listener = listener;
        show(`metrics     ${url}metrics`);
        return;
      } catch (error) {
        if (!told) show(`error: metrics: ${describeError(error)} Streaming goes on; it is tried again.`);
        told = true;
      }
    }
  }

  async close(): Promise<void> {
    await this.#listener?.close();
  }
}
