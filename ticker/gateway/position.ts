import type { Token } from '../../crds/index.ts';
import { arrowHeaderText } from '../pipeline/format/arrow-stream.ts';
import { compareTokens } from '../sinks/token.ts';
import { badPosition } from './errors.ts';

/** Where a reader is in one slice of a set: the last batch that it has received. */
export interface Position extends Token {
  readonly seq: number;
}

/** A batch's or heartbeat's place, as its header says it. */
export interface Placed extends Position {
  readonly sliceUid: string;
  /** 0 for a heartbeat, whose `seq` is that of the last batch. */
  readonly count: number;
}

/** Positions of one request at most: an address line holds no more. */
const mostPositions = 100;

/** Positions by slice from `from=SLICE_UID:EPOCH.CLAIM:SEQ`, once for each slice. @throws GATEWAY_BAD_POSITION */
export function readPositions(texts: readonly string[]): ReadonlyMap<string, Position> {
  if (texts.length > mostPositions) throw badPosition(`${texts.length} positions; at most ${mostPositions} are taken`);
  return new Map(
    texts.map((text) => {
      const [, slice = '', epoch, claim, seq] = /^([\w-]{1,64}):(\d{1,15})\.(\d{1,15}):(\d{1,15})$/.exec(text) ?? [];
      if (slice === '') throw badPosition(`from=${text.slice(0, 100)} is no position`);
      return [slice, { epoch: Number(epoch), claim: Number(claim), seq: Number(seq) }] as const;
    }),
  );
}

/** Negative where `a` is before `b`. */
export function comparePositions(a: Position, b: Position): number {
  return compareTokens(a, b) || a.seq - b.seq;
}

/** The header comes first in a batch's text, and what is looked for before anything that could be taken for it. */
const headerRoom = 2000;

/** Undefined for what is no batch. */
export function placeOf(payload: string | Uint8Array): Placed | undefined {
  const text = headerText(payload);
  const number = (name: string): number => Number(new RegExp(`"${name}":(\\d+)`).exec(text)?.[1]);
  const sliceUid = /"sliceUid":"([^"]+)"/.exec(text)?.[1];
  const placed = { epoch: number('epoch'), claim: number('claim'), seq: number('seq'), count: number('count') };
  if (sliceUid === undefined || Object.values(placed).some(Number.isNaN)) return undefined;
  return { sliceUid, ...placed };
}

function headerText(payload: string | Uint8Array): string {
  if (typeof payload === 'string') return payload.slice(0, headerRoom);
  const head = Buffer.from(payload.buffer, payload.byteOffset, Math.min(payload.byteLength, headerRoom));
  if (head[0] === 0x7b) return head.toString('latin1');
  try {
    return arrowHeaderText(payload);
  } catch {
    return '';
  }
}
