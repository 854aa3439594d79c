import type { ShardIdentity, SubscriptionSlice } from '../../../crds/index.ts';
import { describeError } from '../../../runtime/errors.ts';
import type { Logger } from '../../../runtime/log.ts';
import type { Gap } from '../../delivery.ts';
import { ChunkMemory } from './chunk-memory.ts';
import { spoolUnreadable, spoolUnwritable } from './errors.ts';
import type { SpoolFiles } from './files.ts';
import { recover, ticksOf } from './recover.ts';
import { type OwnSegment, SliceSpool } from './slice-spool.ts';
import { nothingRestored, type Restored } from './work.ts';

export interface SpoolOptions {
  readonly files: SpoolFiles;
  /** Bytes of all segments of the shard; past it the oldest segment goes, whoever's it is. */
  readonly maxBytes: number;
  /** Batches in all segments of the shard, for each takes some memory; past it the oldest segment goes. */
  readonly maxBatches?: number;
  readonly log: Logger;
}

export interface SpoolSnapshot {
  readonly bytes: number;
  /** The bound of `bytes`. */
  readonly maxBytes: number;
  readonly batches: number;
  readonly segments: number;
  /** Batches that were written, read back and dropped past the bound, since the start. */
  readonly written: number;
  readonly replayed: number;
  readonly dropped: number;
  /** Writes that failed: what they held stayed in memory. */
  readonly writeFailures: number;
  /** Whether the last write succeeded. */
  readonly writable: boolean;
}

export const defaultSpoolBatches = 200_000;
const largestSegment = 8 * 1024 * 1024;
/** A bound of this many segments loses at most this share of it at once. */
const segmentsInBound = 8;

type Told = readonly { readonly id: number; readonly gap: Gap }[];
interface Entry {
  readonly spool: SliceSpool;
  /** Told before a segment goes; answers what must be remembered of it. */
  dropped: (segment: OwnSegment) => Told;
}

/** What one shard keeps on a volume: segments of batches that wait, and its last known slices. No credential. */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #slices = new Map<string, Entry>();
  readonly #restored = new Map<string, Restored>();
  readonly #memory = new ChunkMemory();
  #known: { readonly identity: ShardIdentity; readonly slice: SubscriptionSlice }[] = [];
  #serial = 0;
  #bytes = 0;
  #batches = 0;
  #written = 0;
  #replayed = 0;
  #dropped = 0;
  #writeFailures = 0;
  #writable = true;
  #enforcing: Promise<void> = Promise.resolve();
  #keeping: Promise<void> = Promise.resolve();

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  get snapshot(): SpoolSnapshot {
    const segments = [...this.#slices.values()].reduce((sum, { spool }) => sum + spool.segments.length, 0);
    return {
      bytes: this.#bytes,
      maxBytes: this.#options.maxBytes,
      batches: this.#batches,
      segments,
      written: this.#written,
      replayed: this.#replayed,
      dropped: this.#dropped,
      writeFailures: this.#writeFailures,
      writable: this.#writable,
    };
  }

  /** It writes, and has room for so many more bytes before it drops its oldest. */
  takes(bytes: number): boolean {
    return this.#writable && this.#bytes + bytes <= this.#options.maxBytes;
  }

  /** Reads what is there. A directory that can't be used is logged: the shard then works from memory. */
  async open(): Promise<void> {
    const { files, log } = this.#options;
    try {
      const names = (await files.list()).sort();
      const bySlice = new Map<string, { segment: OwnSegment; bytes: Uint8Array }[]>();
      for (const name of names) {
        const segment = /^segment-(\d+)-(.+)\.spool$/.exec(name);
        if (segment !== null) await this.#find(bySlice, name, Number(segment[1]), decodeURIComponent(segment[2]!));
        else if (/^slice-.+\.json$/.test(name)) await this.#findSlice(name);
      }
      for (const [uid, found] of bySlice) this.#adopt(uid, found);
    } catch (error) {
      const coded = spoolUnreadable('the spool cannot be opened; ticks are kept in memory only', { cause: error });
      log.error({ event: 'spool.unavailable', code: coded.code, error }, describeError(coded));
      this.#writable = false;
    }
  }

  /** Slices that `identity` served last; to be taken once. */
  takeSlicesOf(identity: ShardIdentity): SubscriptionSlice[] {
    const known = this.#known;
    this.#known = [];
    return known
      .filter((each) => each.identity.shard === identity.shard && each.identity.uid === identity.uid)
      .map(({ slice }) => slice);
  }

  /** What a process before this one left of a slice; to be taken once. */
  takeRestored(uid: string): Restored {
    const restored = this.#restored.get(uid) ?? nothingRestored;
    this.#restored.delete(uid);
    return restored;
  }

  /** The segments of one slice. `dropped` is told of each that goes although it is needed. */
  slice(uid: string, dropped: (segment: OwnSegment) => Told): SliceSpool {
    const entry = this.#entry(uid, []);
    entry.dropped = dropped;
    return entry.spool;
  }

  /** Remembers a slice that this shard serves; a failure is only logged. */
  keepSlice(identity: ShardIdentity, slice: SubscriptionSlice): void {
    const { managedFields: _, ...metadata } = slice.metadata;
    const bytes = new TextEncoder().encode(JSON.stringify({ identity, slice: { ...slice, metadata } }));
    this.#keep(() => this.#options.files.replace(sliceFile(metadata.uid ?? ''), bytes));
  }

  forgetSlice(uid: string): void {
    this.#keep(() => this.#options.files.remove(sliceFile(uid)));
  }

  /** Waits until the slices that were kept are written. */
  async settled(): Promise<void> {
    await this.#keeping;
    await this.#enforcing;
  }

  /** Drops the oldest segments past the bound. */
  enforce(): Promise<void> {
    this.#enforcing = this.#enforcing.then(() => this.#enforce());
    return this.#enforcing;
  }

  /** A write succeeded, or failed with `error`: said once at each change. */
  wrote(error?: unknown): void {
    const { log } = this.#options;
    if (error !== undefined) {
      this.#writeFailures++;
      if (this.#writable) {
        const coded = spoolUnwritable('the spool cannot be written', { cause: error });
        log.error({ event: 'spool.unwritable', code: coded.code, error }, describeError(coded));
      }
    } else if (!this.#writable) {
      log.info({ event: 'spool.writable', failures: this.#writeFailures }, 'the spool can be written again');
    }
    this.#writable = error === undefined;
  }

  async #enforce(): Promise<void> {
    const { maxBytes, maxBatches = defaultSpoolBatches, log } = this.#options;
    while (this.#bytes > maxBytes || this.#batches > maxBatches) {
      const [uid, oldest] = this.#oldest();
      if (oldest === undefined || uid === undefined) return;
      const entry = this.#entry(uid, []);
      const { bytes, batches } = oldest;
      log.warn({ event: 'spool.full', slice: uid, bytes, batches }, 'the oldest segment is dropped');
      const told = entry.dropped(oldest);
      this.#dropped += batches;
      try {
        await entry.spool.drop(oldest);
        await entry.spool.noteGaps(told);
      } catch (error) {
        this.wrote(error);
      }
    }
  }

  #oldest(): [string | undefined, OwnSegment | undefined] {
    let found: [string | undefined, OwnSegment | undefined] = [undefined, undefined];
    for (const [uid, { spool }] of this.#slices) {
      const first = spool.segments[0];
      if (first !== undefined && first.serial < (found[1]?.serial ?? Number.POSITIVE_INFINITY)) found = [uid, first];
    }
    return found;
  }

  #entry(uid: string, found: readonly OwnSegment[]): Entry {
    let entry = this.#slices.get(uid);
    if (entry === undefined) {
      const { files, maxBytes } = this.#options;
      const memory = this.#memory;
      const segmentBytes = Math.min(largestSegment, Math.floor(maxBytes / segmentsInBound));
      const begin = () => {
        const serial = ++this.#serial;
        return { serial, name: `segment-${String(serial).padStart(12, '0')}-${encodeURIComponent(uid)}.spool` };
      };
      const changed = (bytes: number, batches: number): void => {
        this.#bytes += bytes;
        this.#batches += batches;
        this.#written += Math.max(0, batches);
      };
      const read = (batches: number): void => {
        this.#replayed += batches;
      };
      // Nobody serves the slice yet: what goes is gone.
      entry = {
        spool: new SliceSpool({ files, memory, segmentBytes, begin, changed, read }, found),
        dropped: () => [],
      };
      this.#slices.set(uid, entry);
    }
    return entry;
  }

  async #find(
    bySlice: Map<string, { segment: OwnSegment; bytes: Uint8Array }[]>,
    name: string,
    serial: number,
    uid: string,
  ): Promise<void> {
    const bytes = await this.#options.files.read(name);
    this.#serial = Math.max(this.#serial, serial);
    const of = bySlice.get(uid) ?? [];
    of.push({ segment: { name, serial, bytes: bytes.length, batches: 0 }, bytes });
    bySlice.set(uid, of);
  }

  async #findSlice(name: string): Promise<void> {
    const { files, log } = this.#options;
    try {
      this.#known.push(JSON.parse(new TextDecoder().decode(await files.read(name))));
    } catch (error) {
      log.warn(
        { event: 'spool.sliceUnreadable', name, error: describeError(error) },
        'it is learned from the API server',
      );
    }
  }

  #adopt(uid: string, found: readonly { segment: OwnSegment; bytes: Uint8Array }[]): void {
    const restored = recover(found);
    const { lanes } = restored;
    for (const { segment } of found) this.#bytes += segment.bytes;
    for (const { held } of lanes) {
      for (const { place } of held) {
        const segment = found.find((each) => each.segment === place?.segment)?.segment;
        if (segment !== undefined) segment.batches++;
        this.#batches++;
      }
    }
    this.#entry(
      uid,
      found.map(({ segment }) => segment),
    );
    this.#restored.set(uid, restored);
    if (lanes.length === 0) return;
    const batches = lanes.reduce((sum, { held }) => sum + held.length, 0);
    this.#options.log.info(
      { event: 'spool.restored', slice: uid, ticks: ticksOf(lanes), batches },
      'found in the spool',
    );
  }

  #keep(act: () => Promise<void>): void {
    const { log } = this.#options;
    this.#keeping = this.#keeping.then(act).catch((error: unknown) => {
      log.warn({ event: 'spool.sliceNotKept', error: describeError(error) }, 'a restart needs the API server');
    });
  }
}

function sliceFile(uid: string): string {
  return `slice-${encodeURIComponent(uid)}.json`;
}
