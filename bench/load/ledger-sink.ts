import type { Token } from '../../crds/index.ts';
import { ForwardingSink } from '../../ticker/sinks/forwarding-sink.ts';
import type { Answer, Call, ClaimAnswer, ClaimRequest } from '../../ticker/sinks/sink.ts';
import type { LedgerEntry } from './messages.ts';

/** Keeps a ledger of every batch that the sink behind it is known to have accepted, whatever became of its answer. */
export class LedgerSink extends ForwardingSink {
  /** In the order of acceptance. */
  readonly entries: LedgerEntry[] = [];
  /** Calls whose acceptance is not known yet, by slice and token, by `n`. */
  readonly #open = new Map<string, Map<number, Call>>();

  override async claim(request: ClaimRequest): Promise<ClaimAnswer> {
    const answer = await super.claim(request);
    if (answer.kind === 'claimed' && answer.before !== undefined) {
      this.#accepted(request.sliceUid, answer.before.token, answer.before.n);
    }
    return answer;
  }

  override async send(call: Call): Promise<Answer> {
    const key = keyOf(call.sliceUid, call.token);
    const calls = this.#open.get(key) ?? new Map<number, Call>();
    this.#open.set(key, calls);
    // An answer may say so of a call before it; only headers are kept, for the payload's memory is used again.
    calls.set(call.n, { ...call, batches: call.batches.map((batch) => ({ ...batch, payload: '', latest: [] })) });
    const answer = await super.send(call);
    if (answer.kind === 'written' || answer.kind === 'already') this.#accepted(call.sliceUid, call.token, call.n);
    else if (answer.kind === 'gap' || answer.kind === 'refused') this.#accepted(call.sliceUid, call.token, answer.last);
    return answer;
  }

  #accepted(sliceUid: string, token: Token, last: number): void {
    const calls = this.#open.get(keyOf(sliceUid, token));
    if (calls === undefined) return;
    for (const [n, call] of [...calls].sort(([a], [b]) => a - b)) {
      if (n > last) break;
      calls.delete(n);
      for (const { header } of call.batches) {
        if (header.count > 0) this.entries.push([sliceUid, header.epoch, header.claim, header.seq, header.count]);
      }
    }
  }
}

function keyOf(sliceUid: string, { epoch, claim }: Token): string {
  return `${sliceUid} ${epoch}.${claim}`;
}
