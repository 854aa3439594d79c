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

/**
 * The payload of a record, in parts: the length of its JSON part (unsigned 32 bit, little endian) and that part, then a
 * body, which is the batch's own memory.
 */
export function payloadOf(record: SpoolRecord): readonly Uint8Array[] {
  if (record.kind !== 'batch') return [head(record)];
  const { header, batch } = record;
  const body = typeof batch.body === 'string' ? encoder.encode(batch.body) : batch.body;
  return [head({ kind: 'batch', header, latest: batch.latest }), body];
}

/**
 * The body of a batch is a view of the payload: its memory stays as long as the batch.
 *
 * @throws where the payload is none of {@link payloadOf}
 */
export function decodePayload(payload: Uint8Array): SpoolRecord {
  const length = new DataView(payload.buffer, payload.byteOffset, payload.length).getUint32(0, true);
  const plain = JSON.parse(decoder.decode(payload.subarray(4, 4 + length))) as Plain;
  if (plain.kind !== 'batch') return plain;
  const { header, latest } = plain;
  const bytes = payload.subarray(4 + length);
  const { count, firstReceived, lastReceived, set, text } = header;
  const body = text ? decoder.decode(bytes) : bytes;
  return {
    kind: 'batch',
    header,
    batch: { setUid: set.uid, count, body, latest, firstReceived, lastReceived },
  };
}

function head(plain: Plain): Uint8Array {
  const text = JSON.stringify(plain);
  const length = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(4 + length);
  bytes.writeUInt32LE(length, 0);
  bytes.write(text, 4);
  return bytes;
}
