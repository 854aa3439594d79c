import type { Token } from '../../crds/index.ts';
import type { BatchHeader, Previous } from '../delivery.ts';
import type { Answer, Call, ClaimAnswer, ClaimRequest } from '../sinks/sink.ts';
import { compareTokens } from '../sinks/token.ts';

/** One accepted batch, as a reader gets it. */
export interface Delivered {
  readonly header: BatchHeader;
  readonly setUid: string;
  readonly body: string;
}

/** The payload that the tests' `assemble` makes. */
export function assembleForModel(header: BatchHeader, body: string | Uint8Array): string {
  return JSON.stringify({ header, body });
}

/** PROTOCOL 2 in its plainest form, written apart from the sinks: the other side of the outbox's laws. */
export class ModelSink {
  token: Token | undefined;
  ended = false;
  readonly accepted = new Map<string, number>();
  previous = new Map<string, Previous>();
  before: { token: Token; n: number } | undefined;
  /** The newest mark of a successor, and the newest that an accepted call has echoed. */
  mark: string | undefined;
  echo: string | undefined;
  readonly live: Delivered[] = [];
  readonly late: Delivered[] = [];

  claim(request: ClaimRequest): ClaimAnswer {
    if (this.ended) return { kind: 'ended' };
    const newest = this.token;
    if (newest !== undefined && request.epoch < newest.epoch) return { kind: 'refused', newest };
    const counted = newest?.epoch === request.epoch ? newest.claim : 0;
    if (newest !== undefined && this.#last(newest) > 0) this.before = { token: newest, n: this.#last(newest) };
    this.token = { epoch: request.epoch, claim: Math.max(counted, request.above) + 1 };
    this.mark = undefined;
    this.echo = undefined;
    const before = this.before === undefined ? {} : { before: this.before };
    return { kind: 'claimed', token: this.token, ...before, previous: new Map(this.previous) };
  }

  send(call: Call): Answer {
    if (this.ended) return { kind: 'ended' };
    if (this.token === undefined || compareTokens(call.token, this.token) > 0) return { kind: 'claimFirst' };
    const last = this.#last(call.token);
    if (compareTokens(call.token, this.token) < 0) return { kind: 'refused', newest: this.token, last };
    const answer = this.#write(call, last, this.live);
    if (answer.kind === 'written') this.echo = call.echo ?? this.echo;
    const { mark } = this;
    return answer.kind === 'written' || answer.kind === 'already'
      ? { kind: answer.kind, ...(mark && { mark }) }
      : answer;
  }

  sendLate(call: Call): Answer {
    if (this.ended) return { kind: 'ended' };
    if (this.token === undefined || compareTokens(call.token, this.token) >= 0) return { kind: 'claimFirst' };
    return this.#write(call, this.#last(call.token), this.late);
  }

  end(token: Token): Answer {
    if (this.ended) return { kind: 'ended' };
    if (this.token === undefined || compareTokens(token, this.token) > 0) return { kind: 'claimFirst' };
    if (compareTokens(token, this.token) < 0) return { kind: 'refused', newest: this.token, last: this.#last(token) };
    this.ended = true;
    return { kind: 'written' };
  }

  /** The sink lost its data; readers keep what they got. */
  wipe(): void {
    this.token = undefined;
    this.before = undefined;
    this.accepted.clear();
    this.previous.clear();
  }

  /** Another shard claims, and has a call accepted where `delivers`. */
  compete(epoch: number, delivers: boolean): void {
    if (this.ended || (this.token !== undefined && epoch < this.token.epoch)) return;
    const answer = this.claim({ sliceUid: 's', epoch, above: 0, setUids: [] });
    if (delivers && answer.kind === 'claimed') this.accepted.set(key(answer.token), 1);
  }

  #last(token: Token): number {
    return this.accepted.get(key(token)) ?? 0;
  }

  #write(call: Call, last: number, into: Delivered[]): Answer {
    if (call.n <= last) return { kind: 'already' };
    if (call.n > last + 1) return { kind: 'gap', last };
    this.accepted.set(key(call.token), call.n);
    for (const { header, setUid, payload } of call.batches) {
      const { body } = JSON.parse(String(payload)) as { body: string };
      into.push({ header, setUid, body });
      if (header.count > 0 && into === this.live) {
        this.previous.set(setUid, { epoch: header.epoch, claim: header.claim, seq: header.seq });
      }
    }
    return { kind: 'written' };
  }
}

function key(token: Token): string {
  return `${token.epoch}.${token.claim}`;
}
