import type { SinkReader } from '../sinks/reader.ts';
import { comparePositions, type Position, placeOf } from './position.ts';

/** What a reader has not received of one slice. */
export interface Missed {
  readonly slice: string;
  /** Batches after its position, the oldest first. */
  readonly payloads: readonly (string | Uint8Array)[];
  /** They follow on its position without a gap. */
  readonly whole: boolean;
}

/** Batches of one slice that are resent at most, and their bytes; a reader that misses more begins with the latest values. */
const mostBatches = 2000;
const mostBytes = 16 * 1024 * 1024;
const pageSize = 100;

/** Reads a slice's stream back to a reader's position. */
export async function readMissed(reader: SinkReader, slice: string, setUid: string, from: Position): Promise<Missed> {
  const newest: (string | Uint8Array)[] = [];
  let bytes = 0;
  let before = '+';
  for (;;) {
    const page = await reader.rangeBack(slice, setUid, before, pageSize);
    for (const { id, payload } of page) {
      const place = placeOf(payload);
      const order = place === undefined ? 1 : comparePositions(place, from);
      if (order <= 0) return { slice, payloads: newest.reverse(), whole: order === 0 };
      newest.push(payload);
      bytes += payload.length;
      before = id;
    }
    const end = page.length < pageSize;
    if (end || newest.length > mostBatches || bytes > mostBytes) {
      // What it holds does not reach back: of a part of it nothing could be proven.
      return { slice, payloads: [], whole: false };
    }
  }
}
