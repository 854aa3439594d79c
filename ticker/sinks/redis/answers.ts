import type { Token } from '../../../crds/index.ts';
import type { Previous } from '../../delivery.ts';
import type { Answer, ClaimAnswer, MarkAnswer } from '../sink.ts';

/** Reads what the send, send-late and end scripts answer: `[kind, …numbers as text]`. */
export function readAnswer(reply: unknown): Answer {
  const [kind, ...rest] = texts(reply);
  switch (kind) {
    case 'written':
    case 'already':
      return { kind, ...(rest[0] ? { mark: rest[0] } : {}) };
    case 'claimFirst':
    case 'ended':
      return { kind };
    case 'gap':
      return { kind, last: Number(rest[0]) };
    case 'refused':
      return { kind, newest: { epoch: Number(rest[0]), claim: Number(rest[1]) }, last: Number(rest[2]) };
    default:
      throw new Error(`a script answered ${String(kind)}`);
  }
}

/** Reads what the mark script answers: `marked, echo or nothing`, `claimFirst` or `ended`. */
export function readMarkAnswer(reply: unknown): MarkAnswer {
  const [kind, echo] = texts(reply);
  if (kind === 'claimFirst' || kind === 'ended') return { kind };
  if (kind !== 'marked') throw new Error(`the mark script answered ${String(kind)}`);
  return { kind, ...(echo ? { echo } : {}) };
}

/** Reads what the claim script answers: `claimed, claim, before, (set UID, epoch:claim:seq)…`, `refused, …` or `ended`. */
export function readClaimAnswer(reply: unknown, epoch: number): ClaimAnswer {
  const [kind, ...rest] = texts(reply);
  if (kind === 'ended') return { kind };
  if (kind === 'refused') return { kind, newest: { epoch: Number(rest[0]), claim: Number(rest[1]) } };
  if (kind !== 'claimed') throw new Error(`the claim script answered ${String(kind)}`);
  const [claim, before, ...sets] = rest;
  const previous = new Map<string, Previous>();
  for (let i = 0; i + 1 < sets.length; i += 2) {
    const { token, number } = triple(sets[i + 1]!);
    previous.set(sets[i]!, { ...token, seq: number });
  }
  return {
    kind,
    token: { epoch, claim: Number(claim) },
    ...(before !== undefined && before !== '' && { before: { token: triple(before).token, n: triple(before).number } }),
    previous,
  };
}

/** `epoch:claim:number` */
function triple(text: string): { token: Token; number: number } {
  const [epoch, claim, number] = text.split(':').map(Number);
  return { token: { epoch: epoch!, claim: claim! }, number: number! };
}

function texts(reply: unknown): string[] {
  if (!Array.isArray(reply)) throw new Error('a script answered with something else than a list');
  return reply.map(String);
}
