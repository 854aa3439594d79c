import type { Gap } from '../../delivery.ts';
import type { GatheredBatch } from '../../pipeline/gathered-batch.ts';
import type { HeldBatch } from '../backlog.ts';
import type { ChunkMemory } from './chunk-memory.ts';
import type { SpoolFiles } from './files.ts';
import type { LaneState, SentMark } from './lane-state.ts';
import type { SpoolPlace, SpoolSegment } from './place.ts';
import { decodePayload, payloadOf, type SpoolRecord } from './records.ts';
import { decodeRecord, recordBytes, segmentMagic, writeRecord } from './segment-format.ts';
import type { SpoolWork } from './work.ts';

/** One file, and how much of it still matters. */
export interface OwnSegment extends SpoolSegment {
  readonly serial: number;
  bytes: number;
  /** Batches in it that wait. */
  batches: number;
}

export interface SliceSpoolOptions {
  readonly files: SpoolFiles;
  readonly memory: ChunkMemory;
  /** Past this a new segment is begun. */
  readonly segmentBytes: number;
  /** A name and number for a new segment. */
  readonly begin: () => { readonly name: string; readonly serial: number };
  /** Bytes or batches were added or removed. */
  readonly changed: (bytes: number, batches: number) => void;
  /** Batches were read back. */
  readonly read: (batches: number) => void;
}

/**
 * The segments of one slice: append-only, one writer. A segment goes when nothing in it or before it waits any more, so
 * that what is noted of a batch outlives it. Every method that touches a file rejects with the system's error.
 */
export class SliceSpool {
  readonly segments: OwnSegment[];
  readonly #options: SliceSpoolOptions;
  /** Segments that this process wrote to are appended to; others are only read. */
  #current: OwnSegment | undefined;
  #busy: Promise<unknown> = Promise.resolve();

  constructor(options: SliceSpoolOptions, found: readonly OwnSegment[] = []) {
    this.#options = options;
    this.segments = [...found];
  }

  /** Writes batches, and `lanes` where they are due; `lanes(true)` asks for all of them. */
  store(work: SpoolWork, lanes: (always: boolean) => readonly LaneState[], durable: boolean): Promise<SpoolPlace[]> {
    return this.#alone(async () => {
      const fresh = this.#current === undefined || this.#current.bytes >= this.#options.segmentBytes;
      const notes: SpoolRecord[] = [
        ...lanes(fresh).map((state) => ({ kind: 'lane', state }) as const),
        ...work.marks.map((mark) => ({ kind: 'sent', mark }) as const),
      ];
      const records = [...notes, ...work.items.map(batchRecord)];
      const { segment, ends } = await this.#append(records, fresh, durable);
      const places = work.items.map((_, i): SpoolPlace => {
        const offset = ends[notes.length + i]!;
        return { segment, offset, length: ends[notes.length + i + 1]! - offset };
      });
      segment.batches += places.length;
      this.#options.changed(0, places.length);
      return places;
    });
  }

  /** Writes what must be known before a call is sent. Does nothing where no batch is stored. */
  note(mark: SentMark | undefined, lanes: readonly LaneState[]): Promise<void> {
    return this.#note([
      ...lanes.map((state) => ({ kind: 'lane', state }) as const),
      ...(mark === undefined ? [] : [{ kind: 'sent', mark } as const]),
    ]);
  }

  /** Writes which batches say of a gap that their records do not know of. */
  noteGaps(gaps: readonly { readonly id: number; readonly gap: Gap }[]): Promise<void> {
    return this.#note(gaps.map(({ id, gap }) => ({ kind: 'gap', id, gap }) as const));
  }

  /** Reads batches back; undefined for each that is harmed or gone. */
  async load(items: readonly HeldBatch[]): Promise<(GatheredBatch | undefined)[]> {
    const batches: (GatheredBatch | undefined)[] = [];
    for (let from = 0; from < items.length; ) {
      const first = items[from]!.place;
      let to = from + 1;
      while (first !== undefined && items[to]?.place?.segment === first.segment) to++;
      const run = items.slice(from, to).map(({ place }) => place);
      from = to;
      if (first === undefined) {
        batches.push(undefined);
        continue;
      }
      const end = run.at(-1)!;
      const length = end.offset + end.length - first.offset;
      const bytes = await this.#options.files.readAt(first.segment.name, first.offset, length).catch(() => undefined);
      for (const place of run) batches.push(bytes && readBatch(bytes, place!.offset - first.offset));
    }
    this.#options.read(batches.filter((batch) => batch !== undefined).length);
    return batches;
  }

  /** A batch waits no longer. */
  release(place: SpoolPlace): void {
    const segment = this.segments.find((each) => each === place.segment);
    if (segment === undefined) return;
    segment.batches--;
    this.#options.changed(0, -1);
  }

  /** Removes the files that nobody needs any more. */
  removeFree(): Promise<void> {
    if (this.segments[0]?.batches !== 0) return Promise.resolve();
    return this.#alone(async () => {
      while (this.segments[0]?.batches === 0 && (this.segments[0] !== this.#current || this.segments.length === 1)) {
        await this.#remove(this.segments[0]);
      }
    });
  }

  /** Gives up the oldest segment, be it still needed; whose batches those are is told before. */
  drop(segment: OwnSegment): Promise<void> {
    return this.#alone(() => this.#remove(segment));
  }

  /** Waits until what was written is on the device. */
  sync(): Promise<void> {
    return this.#alone(async () => {
      if (this.#current !== undefined) await this.#options.files.append(this.#current.name, new Uint8Array(0), true);
    });
  }

  #note(records: readonly SpoolRecord[]): Promise<void> {
    if (records.length === 0) return Promise.resolve();
    return this.#alone(async () => {
      if (this.segments.length === 0) return;
      await this.#append(records, this.#current === undefined, false);
    });
  }

  /** Returns where the first record begins and where each of them ends. */
  async #append(records: readonly SpoolRecord[], fresh: boolean, durable: boolean) {
    const { files, memory, begin, changed } = this.#options;
    let segment = this.#current;
    if (fresh || segment === undefined) {
      segment = { ...begin(), bytes: 0, batches: 0 };
      this.segments.push(segment);
      this.#current = segment;
    }
    const start = segment.bytes === 0 ? segmentMagic.length : 0;
    const payloads = records.map(payloadOf);
    const chunk = memory.take(payloads.reduce((sum, payload) => sum + recordBytes(payload), start));
    try {
      if (start > 0) chunk.set(segmentMagic);
      const ends = [start];
      for (const payload of payloads) ends.push(writeRecord(chunk, ends.at(-1)!, payload));
      await files.append(segment.name, chunk, durable);
      const before = segment.bytes;
      segment.bytes += chunk.length;
      changed(chunk.length, 0);
      return { segment, ends: ends.map((end) => before + end) };
    } catch (error) {
      // How much of it was written is not known, so nothing is ever written behind it.
      this.#current = undefined;
      if (segment.batches === 0 && segment.bytes === 0) await this.#remove(segment).catch(() => {});
      throw error;
    } finally {
      memory.give(chunk);
    }
  }

  async #remove(segment: OwnSegment): Promise<void> {
    const index = this.segments.indexOf(segment);
    if (index < 0) return;
    if (segment === this.#current) this.#current = undefined;
    this.segments.splice(index, 1);
    this.#options.changed(-segment.bytes, -segment.batches);
    segment.batches = 0;
    await this.#options.files.remove(segment.name);
  }

  /** One at a time, in order. */
  #alone<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#busy.then(act);
    this.#busy = done.catch(() => {});
    return done;
  }
}

function batchRecord(held: HeldBatch): SpoolRecord {
  const { id, set, bytes, gap, mayRepeat, batch } = held;
  const { count, firstReceived, lastReceived } = batch;
  return {
    kind: 'batch',
    header: {
      id,
      set,
      count,
      bytes,
      firstReceived,
      lastReceived,
      ...(gap === undefined ? {} : { gap }),
      ...(mayRepeat ? { mayRepeat } : {}),
      text: typeof batch.body === 'string',
    },
    batch,
  };
}

function readBatch(bytes: Uint8Array, offset: number): GatheredBatch | undefined {
  const payload = decodeRecord(bytes, offset);
  if (payload === undefined) return undefined;
  const record = decodePayload(payload);
  return record.kind === 'batch' ? record.batch : undefined;
}
