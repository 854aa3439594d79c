import type { Token } from '../../../crds/index.ts';
import type { Previous } from '../../delivery.ts';
import { sinkUnavailable } from '../errors.ts';
import type { Answer, ClaimAnswer, MarkAnswer } from '../sink.ts';

/**
 * Reads what the send, send-late and end scripts answer: `[kind, …numbers as text]`.
 * @throws SINK_UNAVAILABLE, here as below, where that is none: whether the call was written is not known then.
 */
export function readAnswer(reply: unknown): Answer {
  const [kind, ...rest] = texts(reply);
  switch (kind) {
    case 'written': {
      const trimmed = rest[1] === undefined ? 0 : whole(rest[1]);
      return { kind, ...(rest[0] ? { mark: rest[0] } : {}), ...(trimmed > 0 ? { trimmed } : {}) };
    }
    case 'already':
      return { kind, ...(rest[0] ? { mark: rest[0] } : {}) };
    case 'claimFirst':
    case 'ended':
      return { kind };
    case 'gap':
      return { kind, last: whole(rest[0]) };
    case 'refused':
      return { kind, newest: { epoch: whole(rest[0]), claim: whole(rest[1]) }, last: whole(rest[2]) };
    default:
      throw unreadable(kind);
  }
}

/** Reads what the mark script answers: `marked, echo or nothing`, `claimFirst` or `ended`. */
export function readMarkAnswer(reply: unknown): MarkAnswer {
  const [kind, echo] = texts(reply);
  if (kind === 'claimFirst' || kind === 'ended') return { kind };
  if (kind !== 'marked') throw unreadable(kind);
  return { kind, ...(echo ? { echo } : {}) };
}

/** Reads what the claim script answers: `claimed, claim, before, (set UID, epoch:claim:seq)…`, `refused, …` or `ended`. */
export function readClaimAnswer(reply: unknown, epoch: number): ClaimAnswer {
  const [kind, ...rest] = texts(reply);
  if (kind === 'ended') return { kind };
  if (kind === 'refused') return { kind, newest: { epoch: whole(rest[0]), claim: whole(rest[1]) } };
  if (kind !== 'claimed') throw unreadable(kind);
  const [claim, beforeText = '', ...sets] = rest;
  if (sets.length % 2 !== 0) throw unreadable(sets.at(-1));
  const previous = new Map<string, Previous>();
  for (let i = 0; i < sets.length; i += 2) {
    const { token, number } = triple(sets[i + 1]!);
    previous.set(sets[i]!, { ...token, seq: number });
  }
  const before = beforeText === '' ? undefined : triple(beforeText);
  return {
    kind,
    token: { epoch, claim: whole(claim) },
    ...(before !== undefined && { before: { token: before.token, n: before.number } }),
    previous,
  };
}

/** `epoch:claim:number` */
function triple(text: string): { token: Token; number: number } {
  const [epoch, claim, number, ...more] = text.split(':');
  if (more.length > 0) throw unreadable(text);
  return { token: { epoch: whole(epoch), claim: whole(claim) }, number: whole(number) };
}

function whole(text: string | undefined): number {
  const value = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw unreadable(text);
  return value;
}

function texts(reply: unknown): string[] {
  if (!Array.isArray(reply)) throw unreadable(typeof reply);
  for (const part of reply) if (typeof part !== 'string') throw unreadable(typeof part);
  return reply;
}

/** What it was is told in a few characters, for nobody knows what it holds. */
function unreadable(part: string | undefined) {
  const shown = part === undefined ? 'nothing' : JSON.stringify(part.slice(0, 40));
  return sinkUnavailable(`a script of Redis answered what cannot be read: ${shown}`);
}
