import type { Token } from '../../crds/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { LabelsOf } from '../../runtime/metrics/definition.ts';
import type { Metrics, Observed } from '../../runtime/metrics/metrics.ts';
import { ForwardingSink } from '../sinks/forwarding-sink.ts';
import type { Answer, Call, ClaimAnswer, ClaimRequest, MarkAnswer, SealedBatch, Sink } from '../sinks/sink.ts';
import { type SinkOperation, sinkMetrics } from './sink-definitions.ts';

export interface MeteredSinkOptions {
  readonly sink: Sink;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly shard: string;
}

/** A sink that counts what passes through it for one shard: answers, bytes, and how long batches took. */
export class MeteredSink extends ForwardingSink {
  readonly #clock: Clock;
  readonly #shard: string;
  readonly #answers = new Map<string, { labels: LabelsOf<typeof sinkMetrics.calls>; count: number }>();
  readonly #gaps = new Map<string, number>();
  readonly #calls: Observed<typeof sinkMetrics.callDuration>;
  readonly #ticks: Observed<typeof sinkMetrics.batchTicks>;
  readonly #stage: Observed<typeof sinkMetrics.stage>;
  readonly #delivery: Observed<typeof sinkMetrics.delivery>;
  readonly #exchangeDelay: Observed<typeof sinkMetrics.exchangeDelay>;
  readonly #labels: { readonly shard: string };
  #bytes = 0;
  #heartbeats = 0;
  #overlaps = 0;
  #trimmed = 0;

  constructor({ sink, metrics, clock, shard }: MeteredSinkOptions) {
    super(sink);
    this.#clock = clock;
    this.#shard = shard;
    this.#labels = { shard };
    this.#calls = metrics.histogram(sinkMetrics.callDuration);
    this.#ticks = metrics.histogram(sinkMetrics.batchTicks);
    this.#stage = metrics.histogram(sinkMetrics.stage);
    this.#delivery = metrics.histogram(sinkMetrics.delivery);
    this.#exchangeDelay = metrics.histogram(sinkMetrics.exchangeDelay);
    this.#expose(metrics);
  }

  override claim(request: ClaimRequest): Promise<ClaimAnswer> {
    return this.#timed('claim', super.claim(request));
  }

  override async send(call: Call): Promise<Answer> {
    const answer = await this.#timed('send', super.send(call));
    if (answer.kind === 'written') this.#trimmed += answer.trimmed ?? 0;
    if (answer.kind === 'written' || answer.kind === 'already') this.#accepted(call.batches);
    return answer;
  }

  override sendLate(call: Call): Promise<Answer> {
    return this.#timed('sendLate', super.sendLate(call));
  }

  override mark(sliceUid: string, mark: string): Promise<MarkAnswer> {
    return this.#timed('mark', super.mark(sliceUid, mark));
  }

  override end(sliceUid: string, token: Token): Promise<Answer> {
    return this.#timed('end', super.end(sliceUid, token));
  }

  async #timed<A extends { readonly kind: string }>(operation: SinkOperation, answer: Promise<A>): Promise<A> {
    const started = this.#clock.monotonic();
    let kind = 'unavailable';
    try {
      const answered = await answer;
      kind = answered.kind;
      return answered;
    } finally {
      this.#calls.observe({ shard: this.#shard, operation }, (this.#clock.monotonic() - started) / 1000);
      const key = `${operation} ${kind}`;
      const known = this.#answers.get(key);
      if (known !== undefined) known.count++;
      else this.#answers.set(key, { labels: { shard: this.#shard, operation, answer: kind }, count: 1 });
    }
  }

  #accepted(batches: readonly SealedBatch[]): void {
    const now = this.#clock.now() * 1000;
    for (const { header, payload, firstReceived, exchangeDelay } of batches) {
      this.#bytes += payload.length;
      if (header.count === 0) this.#heartbeats++;
      else this.#ticks.observe(this.#labels, header.count);
      if (header.overlap === true) this.#overlaps++;
      if (header.gap !== undefined) this.#gaps.set(header.gap.why, (this.#gaps.get(header.gap.why) ?? 0) + 1);
      if (firstReceived === undefined) continue;
      this.#stage.observe({ shard: this.#shard, stage: 'gather' }, seconds(header.time - firstReceived));
      this.#stage.observe({ shard: this.#shard, stage: 'deliver' }, seconds(now - header.time));
      this.#delivery.observe(this.#labels, seconds(now - firstReceived));
      if (exchangeDelay !== undefined) this.#exchangeDelay.observe(this.#labels, seconds(exchangeDelay));
    }
  }

  #expose(metrics: Metrics): void {
    const calls = metrics.pulled(sinkMetrics.calls);
    const bytes = metrics.pulled(sinkMetrics.bytes);
    const heartbeats = metrics.pulled(sinkMetrics.heartbeats);
    const gaps = metrics.pulled(sinkMetrics.gaps);
    const overlaps = metrics.pulled(sinkMetrics.overlaps);
    const trimmed = metrics.pulled(sinkMetrics.trimmed);
    metrics.collect(() => {
      for (const { labels, count } of this.#answers.values()) calls.add(labels, count);
      bytes.add(this.#labels, this.#bytes);
      heartbeats.add(this.#labels, this.#heartbeats);
      for (const why of sinkMetrics.gaps.labels.why) gaps.add({ shard: this.#shard, why }, this.#gaps.get(why) ?? 0);
      overlaps.add(this.#labels, this.#overlaps);
      trimmed.add(this.#labels, this.#trimmed);
    });
  }
}

/** Microseconds as seconds; a wall clock that was set back makes no negative ones. */
function seconds(micros: number): number {
  return Math.max(0, micros) / 1e6;
}
