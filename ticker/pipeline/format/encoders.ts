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
  columns(batch: RowBatch): string | Uint8Array;
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

/**
 * A whole payload: JSON text where the body is text, else an Arrow IPC stream.
 *
 * @param body of {@link BodyEncoder} or {@link emptyBody}. An Arrow body is not copied the first time: see `stampArrow`.
 */
export function stamp(header: BatchHeader, body: string | Uint8Array): string | Uint8Array {
  return typeof body === 'string' ? assemble(header, body) : stampArrow(JSON.stringify(header), body);
}
