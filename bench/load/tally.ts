import { type ReadHeader, readColumn, readHeader } from './batch-reading.ts';
import { IntervalSet } from './interval-set.ts';
import { Latencies } from './latencies.ts';
import type { ReaderReport, SliceShare } from './messages.ts';
import { instrumentOf, stampMicros } from './option-feed.ts';

interface Seen {
  readonly share: SliceShare;
  readonly ticks: IntervalSet;
  readonly batches: Map<string, IntervalSet>;
  /** The newest token and its last `seq`. */
  token: string;
  seq: number;
}

/** Gaps of batches that are named in a report; a run that has more is not what these scenarios are about. */
const mostMissing = 1000;

/**
 * What one reader has got, told tick from tick: which of those that were sent it has, which twice, which batches it lacks
 * by what the headers promise. It shares no code with the shard.
 */
export class Tally {
  readonly #slices: ReadonlyMap<string, Seen>;
  readonly #latencies = new Latencies();
  readonly #missing: [string, string, number, number][] = [];
  readonly #told: Record<string, number> = {};
  readonly #toldUncounted: Record<string, number> = {};
  #rows = 0;
  #duplicated = 0;
  #repeated = 0;

  constructor(slices: readonly SliceShare[]) {
    this.#slices = new Map(
      slices.map((share) => [
        share.uid,
        { share, ticks: new IntervalSet(), batches: new Map<string, IntervalSet>(), token: '', seq: 0 },
      ]),
    );
  }

  /** @param now microseconds since the run's origin */
  take(payload: Buffer, now: number): void {
    const header = readHeader(payload);
    if (header.count === 0) return;
    const seen = this.#slices.get(header.sliceUid);
    if (seen === undefined) throw new Error(`a batch of an unknown slice: ${header.sliceUid}`);
    this.#follow(seen, header);
    this.#listen(header);
    const { first, count } = seen.share;
    const tokens = readColumn(payload, 'token', header.count);
    const volumes = readColumn(payload, 'volume', header.count);
    const stamps = readColumn(payload, 'last_quantity', header.count);
    this.#rows += header.count;
    for (let row = 0; row < tokens.length; row++) {
      const local = instrumentOf(tokens[row]!) - first;
      if (local < 0 || local >= count) throw new Error(`token ${tokens[row]} is not of ${header.sliceUid}`);
      const isNew = seen.ticks.add((volumes[row]! - 1) * count + local);
      if (isNew) this.#latencies.add(now - stamps[row]! * stampMicros);
      else if (header.overlap === true) this.#repeated++;
      else this.#duplicated++;
    }
  }

  report(lost: number): ReaderReport {
    return {
      slices: [...this.#slices].map(([uid, { ticks, batches }]) => ({
        uid,
        ticks: ticks.edges,
        batches: Object.fromEntries([...batches].map(([token, seqs]) => [token, seqs.edges])),
      })),
      rows: this.#rows,
      duplicated: this.#duplicated,
      repeated: this.#repeated,
      missing: this.#missing,
      told: this.#told,
      toldUncounted: this.#toldUncounted,
      latency: {
        p50: this.#latencies.percentile(0.5),
        p95: this.#latencies.percentile(0.95),
        p99: this.#latencies.percentile(0.99),
      },
      lost,
    };
  }

  /** What was published between the last batch and this one, by `seq` and by what a token's first batch names. */
  #follow(seen: Seen, header: ReadHeader): void {
    const token = `${header.epoch}.${header.claim}`;
    if (token !== seen.token) {
      const { prev } = header;
      if (prev !== undefined && prev !== null) {
        const before = `${prev.epoch}.${prev.claim}`;
        this.#lacks(seen, before, before === seen.token ? seen.seq : 0, prev.seq + 1);
      }
      seen.token = token;
      seen.seq = 0;
    }
    this.#lacks(seen, token, seen.seq, header.seq);
    seen.seq = Math.max(seen.seq, header.seq);
    const batches = seen.batches.get(token) ?? new IntervalSet();
    seen.batches.set(token, batches);
    batches.add(header.seq);
  }

  #lacks(seen: Seen, token: string, last: number, next: number): void {
    if (next <= last + 1) return;
    if (this.#missing.length === mostMissing) throw new Error(`more than ${mostMissing} gaps in the sequences`);
    this.#missing.push([seen.share.uid, token, last + 1, next - 1]);
  }

  #listen({ gap }: ReadHeader): void {
    if (gap === undefined) return;
    const counts = gap.ticks === undefined ? this.#toldUncounted : this.#told;
    counts[gap.why] = (counts[gap.why] ?? 0) + (gap.ticks ?? 1);
  }
}
