import type { Token } from '../../crds/index.ts';
import type { Answer, Call, ClaimAnswer, ClaimRequest, MarkAnswer, Sink } from './sink.ts';

/** Hands every call on to another sink, in the turn in which it came; what is made of it overrides what it looks at. */
export class ForwardingSink implements Sink {
  readonly #inner: Sink;

  constructor(inner: Sink) {
    this.#inner = inner;
  }

  claim(request: ClaimRequest): Promise<ClaimAnswer> {
    return this.#inner.claim(request);
  }

  send(call: Call): Promise<Answer> {
    return this.#inner.send(call);
  }

  sendLate(call: Call): Promise<Answer> {
    return this.#inner.sendLate(call);
  }

  mark(sliceUid: string, mark: string): Promise<MarkAnswer> {
    return this.#inner.mark(sliceUid, mark);
  }

  end(sliceUid: string, token: Token): Promise<Answer> {
    return this.#inner.end(sliceUid, token);
  }

  placeOf(sliceUid: string): string {
    return this.#inner.placeOf?.(sliceUid) ?? 'all';
  }

  onReachable(listener: (place: string) => void): () => void {
    return this.#inner.onReachable?.(listener) ?? (() => {});
  }

  ping(): Promise<void> {
    return this.#inner.ping();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
