import type { Token } from '../../../crds/index.ts';
import type { BatchHeader, Previous } from '../../delivery.ts';
import { previousKept, tokensKept } from '../limits.ts';
import type { Answer, ClaimAnswer, ClaimRequest, MarkAnswer } from '../sink.ts';
import { compareTokens } from '../token.ts';

/** What a fence remembers of one token. */
interface Accepted {
  readonly token: Token;
  /** Last accepted `n` of live calls. */
  live: number;
  /** Last accepted `n` of late calls; they go on from where the live ones ended. */
  late: number;
}

/**
 * Who may write for one slice (PROTOCOL 2), as a state machine without I/O: every method answers, and `written` means
 * that the caller writes the batches in the same turn.
 */
export class Fence {
  /** Newest last; at most {@link tokensKept}. */
  readonly #accepted: Accepted[] = [];
  readonly #previous = new Map<string, Previous>();
  #before: { token: Token; n: number } | undefined;
  #ended = false;
  #mark: string | undefined;
  #echo: string | undefined;

  get ended(): boolean {
    return this.#ended;
  }

  /** Another one that stands where this one does. */
  copy(): Fence {
    const fence = new Fence();
    for (const entry of this.#accepted) fence.#accepted.push({ ...entry });
    for (const [setUid, previous] of this.#previous) fence.#previous.set(setUid, previous);
    fence.#before = this.#before;
    fence.#ended = this.#ended;
    fence.#mark = this.#mark;
    fence.#echo = this.#echo;
    return fence;
  }

  claim(request: ClaimRequest): ClaimAnswer {
    if (this.#ended) return { kind: 'ended' };
    const newest = this.#newest();
    if (newest !== undefined && request.epoch < newest.token.epoch) return { kind: 'refused', newest: newest.token };
    const counted = newest?.token.epoch === request.epoch ? newest.token.claim : 0;
    const token = { epoch: request.epoch, claim: Math.max(counted, request.above) + 1 };
    if (newest !== undefined && newest.live > 0) this.#before = { token: newest.token, n: newest.live };
    this.#remember({ token, live: 0, late: 0 });
    this.#forgetSets(request.setUids);
    this.#mark = undefined;
    this.#echo = undefined;
    return {
      kind: 'claimed',
      token,
      ...(this.#before !== undefined && { before: this.#before }),
      previous: new Map(this.#previous),
    };
  }

  send(token: Token, n: number, echo?: string): Answer {
    const newest = this.#newest();
    if (this.#ended) return { kind: 'ended' };
    if (newest === undefined || compareTokens(token, newest.token) > 0) return { kind: 'claimFirst' };
    if (compareTokens(token, newest.token) < 0) return this.#refuse(token, newest.token);
    const verdict = inOrder(n, newest.live);
    if (verdict === 'gap') return { kind: 'gap', last: newest.live };
    if (verdict === 'written') {
      newest.live = n;
      this.#echo = echo ?? this.#echo;
    }
    return { kind: verdict, ...(this.#mark !== undefined && { mark: this.#mark }) };
  }

  mark(mark: string): MarkAnswer {
    if (this.#ended) return { kind: 'ended' };
    if (this.#newest() === undefined) return { kind: 'claimFirst' };
    this.#mark = mark;
    return { kind: 'marked', ...(this.#echo !== undefined && { echo: this.#echo }) };
  }

  sendLate(token: Token, n: number): Answer {
    const newest = this.#newest();
    if (this.#ended) return { kind: 'ended' };
    if (newest === undefined || compareTokens(token, newest.token) >= 0) return { kind: 'claimFirst' };
    const known = this.#find(token);
    if (known === undefined && this.#place(token) === undefined) return this.#refuse(token, newest.token);
    const last = known === undefined ? 0 : Math.max(known.live, known.late);
    const verdict = inOrder(n, last);
    if (verdict === 'written') {
      if (known === undefined) this.#remember({ token, live: 0, late: n });
      else known.late = n;
    }
    return verdict === 'gap' ? { kind: 'gap', last } : { kind: verdict };
  }

  end(token: Token): Answer {
    const newest = this.#newest();
    if (this.#ended) return { kind: 'ended' };
    if (newest === undefined || compareTokens(token, newest.token) > 0) return { kind: 'claimFirst' };
    if (compareTokens(token, newest.token) < 0) return this.#refuse(token, newest.token);
    this.#ended = true;
    return { kind: 'written' };
  }

  /** Notes the last live batch of a set; a claim tells its successor. */
  published(setUid: string, header: BatchHeader): void {
    this.#previous.delete(setUid);
    this.#previous.set(setUid, { epoch: header.epoch, claim: header.claim, seq: header.seq });
  }

  #newest(): Accepted | undefined {
    return this.#accepted.at(-1);
  }

  #find(token: Token): Accepted | undefined {
    return this.#accepted.find((entry) => compareTokens(entry.token, token) === 0);
  }

  #refuse(token: Token, newest: Token): Answer {
    const known = this.#find(token);
    return { kind: 'refused', newest, last: known === undefined ? 0 : Math.max(known.live, known.late) };
  }

  /** Where a token belongs among those remembered; undefined where it is older than all and there is no room. */
  #place(token: Token): number | undefined {
    let at = this.#accepted.length;
    while (at > 0 && compareTokens(this.#accepted[at - 1]!.token, token) > 0) at--;
    return at === 0 && this.#accepted.length >= tokensKept ? undefined : at;
  }

  #remember(entry: Accepted): void {
    const at = this.#place(entry.token);
    if (at === undefined) return;
    this.#accepted.splice(at, 0, entry);
    if (this.#accepted.length > tokensKept) this.#accepted.shift();
  }

  #forgetSets(named: readonly string[]): void {
    if (this.#previous.size <= previousKept) return;
    const keep = new Set(named);
    for (const setUid of this.#previous.keys()) if (!keep.has(setUid)) this.#previous.delete(setUid);
  }
}

function inOrder(n: number, last: number): 'written' | 'already' | 'gap' {
  if (n <= last) return 'already';
  return n === last + 1 ? 'written' : 'gap';
}
