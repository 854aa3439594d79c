import { ROOT_CONTEXT, type Tracer, trace } from '@opentelemetry/api';
import type { Clock } from '../../runtime/clock.ts';
import { ForwardingSink } from './forwarding-sink.ts';
import type { Answer, Call, SealedBatch, Sink } from './sink.ts';

export interface TracedSinkOptions {
  readonly sink: Sink;
  readonly tracer: Tracer;
  readonly clock: Clock;
  /** One batch with ticks of so many is traced. */
  readonly every: number;
}

/**
 * A sink that makes one trace of a sampled batch: from its first tick's receipt over its sealing to the sink's answer.
 * Nothing is done for the others but counting them.
 */
export class TracedSink extends ForwardingSink {
  readonly #options: TracedSinkOptions;
  #batches = 0;

  constructor(options: TracedSinkOptions) {
    super(options.sink);
    this.#options = options;
  }

  override async send(call: Call): Promise<Answer> {
    const sampled = call.batches.filter((batch) => this.#isSampled(batch));
    if (sampled.length === 0) return super.send(call);
    const sent = this.#options.clock.now();
    const answer = await super.send(call);
    for (const batch of sampled) this.#record(batch, sent, answer.kind);
    return answer;
  }

  #isSampled({ header }: SealedBatch): boolean {
    return header.count > 0 && this.#batches++ % this.#options.every === 0;
  }

  /** @param sent milliseconds since the epoch */
  #record({ header, payload, firstReceived }: SealedBatch, sent: number, answer: Answer['kind']): void {
    const { tracer, clock } = this.#options;
    const answered = clock.now();
    const sealed = header.time / 1000;
    const received = firstReceived === undefined ? sealed : firstReceived / 1000;
    const { set, slice, shard, epoch, claim, seq, count } = header;
    const attributes = { set, slice, shard, epoch, claim, seq, ticks: count, bytes: payload.length, answer };
    const span = tracer.startSpan('batch', { startTime: received, attributes }, ROOT_CONTEXT);
    const context = trace.setSpan(ROOT_CONTEXT, span);
    const part = (name: string, from: number, to: number): void =>
      tracer.startSpan(name, { startTime: from }, context).end(Math.max(from, to));
    part('gather', received, sealed);
    part('queue', sealed, sent);
    part('deliver', sent, answered);
    span.end(Math.max(received, answered));
  }
}
