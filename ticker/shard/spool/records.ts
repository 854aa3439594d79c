import type { SliceSet } from '../../../crds/index.ts';
import type { Gap } from '../../delivery.ts';
import type { GatheredBatch } from '../../pipeline/gathered-batch.ts';
import type { LatestValue } from '../../sinks/sink.ts';
import type { LaneState, SentMark } from './lane-state.ts';

/** What is said of a batch apart from its body. */
export interface StoredBatchHeader {
  /** Counts up over all batches of the slice. */
  readonly id: number;
  readonly set: SliceSet;
  readonly count: number;
  readonly bytes: number;
  readonly firstReceived: number;
  readonly lastReceived: number;
  readonly gap?: Gap;
  readonly mayRepeat?: true;
  /** The body is text. */
  readonly text: boolean;
}

export type SpoolRecord =
  | { readonly kind: 'batch'; readonly header: StoredBatchHeader; readonly batch: GatheredBatch }
  | { readonly kind: 'lane'; readonly state: LaneState }
  | { readonly kind: 'sent'; readonly mark: SentMark }
  /** More is missing before batch `id` than its record says. */
  | { readonly kind: 'gap'; readonly id: number; readonly gap: Gap };

type Plain =
  | { readonly kind: 'batch'; readonly header: StoredBatchHeader; readonly latest: readonly LatestValue[] }
  | Exclude<SpoolRecord, { kind: 'batch' }>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The payload of a record: the length of its JSON part (unsigned 32 bit, little endian), that part, and a body. */
export function encodePayload(record: SpoolRecord): Uint8Array {
  if (record.kind !== 'batch') return join(record, new Uint8Array(0));
  const { header, batch } = record;
  const body = typeof batch.body === 'string' ? encoder.encode(batch.body) : batch.body;
  return join({ kind: 'batch', header, latest: batch.latest }, body);
}

/** @throws where the payload is none of {@link encodePayload} */
export function decodePayload(payload: Uint8Array): SpoolRecord {
  const length = new DataView(payload.buffer, payload.byteOffset, payload.length).getUint32(0, true);
  const plain = JSON.parse(decoder.decode(payload.subarray(4, 4 + length))) as Plain;
  if (plain.kind !== 'batch') return plain;
  const { header, latest } = plain;
  const bytes = payload.slice(4 + length);
  const { count, firstReceived, lastReceived, set, text } = header;
  const body = text ? decoder.decode(bytes) : bytes;
  return {
    kind: 'batch',
    header,
    batch: { setUid: set.uid, count, body, latest, firstReceived, lastReceived },
  };
}

function join(plain: Plain, body: Uint8Array): Uint8Array {
  const text = encoder.encode(JSON.stringify(plain));
  const payload = new Uint8Array(4 + text.length + body.length);
  new DataView(payload.buffer).setUint32(0, text.length, true);
  payload.set(text, 4);
  payload.set(body, 4 + text.length);
  return payload;
}
