import type { SliceSet } from '../../../crds/index.ts';
import type { BatchHeader } from '../../delivery.ts';
import type { RowBatch } from '../row-batch.ts';
import { ArrowEncoder } from './arrow.ts';
import { stampArrow } from './arrow-stream.ts';
import { assemble, JsonEncoder } from './json.ts';

/** What a batch is encoded in. */
export type Format = SliceSet['delivery']['format'];

/** Encodes the columns of a batch, once; {@link stamp} puts the header to them. */
export interface BodyEncoder {
  columns(batch: RowBatch): Uint8Array;
  /** Nobody reads this body any more, nor a payload that was made of it: its memory may be used again. */
  release?(body: Uint8Array): void;
}

let arrow: ArrowEncoder | undefined;

/** One encoder for each format, made when a set first asks for it. Use one for each thread of work. */
export class Encoders {
  readonly json = new JsonEncoder();

  of(format: Format): BodyEncoder {
    return format === 'json' ? this.json : arrowEncoder();
  }
}

function arrowEncoder(): ArrowEncoder {
  arrow ??= new ArrowEncoder();
  return arrow;
}

/** The body of a heartbeat. */
export function emptyBody(format: Format): string | Uint8Array {
  return format === 'json' ? '{}' : arrowEncoder().empty();
}

const openBrace = 0x7b;

/**
 * A whole payload: JSON where the body is a JSON object, which begins with a brace as no Arrow IPC stream does.
 *
 * @param body of {@link BodyEncoder} or {@link emptyBody}. It is not copied the first time: see `surround`, `stampArrow`.
 */
export function stamp(header: BatchHeader, body: string | Uint8Array): Uint8Array {
  if (typeof body === 'string' || body[0] === openBrace) return assemble(header, body);
  return stampArrow(JSON.stringify(header), body);
}
