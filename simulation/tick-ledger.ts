import type { Batch } from '../ticker/pipeline/format/read.ts';
import type { ShardSnapshot } from '../ticker/shard/shard.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** One tick on its way. */
interface Entry {
  readonly process: SimulatedProcess;
  readonly token: number;
  /** When the process got it, monotonic milliseconds. */
  readonly at: number;
  /** Sets that got it live; undefined until one has. */
  live: Set<string> | undefined;
  late: boolean;
  /** A sink that had forgotten a newer token took it live: it is in streams, and live readers dropped it. */
  outdated: boolean;
}

function arrived({ live, late, outdated }: Entry): boolean {
  return live !== undefined || late || outdated;
}

/** Milliseconds that a tick may be on its way: gathered, and waiting for an answer. */
const onItsWay = 10_000;

/** When a set last got a live tick of an instrument: monotonic milliseconds of its receipt from the broker. */
type Freshness = Map<number, number>;

/** What became of every tick that the broker sent to a process. */
export class TickLedger {
  readonly #entries = new Map<number, Entry>();
  readonly #violated: (what: string) => void;
  readonly #now: () => number;
  /** By set, then by instrument token. */
  readonly fresh = new Map<string, Freshness>();
  /** Ticks of each process that arrived nowhere, and that it had told of, when last everything had come right. */
  readonly #told = new Map<SimulatedProcess, number>();
  /** The sink has lost data, and with it what it knew to be delivered. */
  repeatsAllowed = false;
  emittedTicks = 0;
  liveTicks = 0;
  lateTicks = 0;

  constructor(now: () => number, violated: (what: string) => void) {
    this.#now = now;
    this.#violated = violated;
  }

  emitted(id: number, process: SimulatedProcess, token: number): void {
    this.emittedTicks++;
    this.#entries.set(id, { process, token, at: this.#now(), live: undefined, late: false, outdated: false });
  }

  /** A batch arrived on its live channel. */
  live(batch: Batch): void {
    const { header } = batch;
    let fresh = this.fresh.get(header.set);
    if (fresh === undefined) {
      fresh = new Map();
      this.fresh.set(header.set, fresh);
    }
    for (const [id, entry] of this.#read(batch)) {
      this.liveTicks++;
      if (entry.live?.has(header.set) === true && header.overlap !== true && !this.repeatsAllowed) {
        this.#violated(`tick ${id} was delivered twice to ${header.set}, and the second batch does not say overlap`);
      }
      entry.live ??= new Set();
      entry.live.add(header.set);
      fresh.set(entry.token, this.#now());
    }
  }

  /** A batch was taken by the late stream. */
  late(batch: Batch): void {
    const { header } = batch;
    for (const [id, entry] of this.#read(batch)) {
      this.lateTicks++;
      if (entry.live?.has(header.set) === true && !this.repeatsAllowed) {
        this.#violated(`tick ${id} was delivered to ${header.set} live, and late as well`);
      }
      entry.late = true;
    }
  }

  /** A sink that had forgotten a newer token took a batch live, which readers who have seen that token drop. */
  outdated(batch: Batch): void {
    for (const [, entry] of this.#read(batch)) entry.outdated = true;
  }

  /** Compares a process's own account of its ticks with what arrived. The newest may be on their way. */
  settle(process: SimulatedProcess, { totals, shard }: Pick<ShardSnapshot, 'totals' | 'shard'>): void {
    let missing = this.#told.get(process) ?? 0;
    let first: number | undefined;
    for (const [id, entry] of this.#entries) {
      if (entry.process !== process || arrived(entry)) continue;
      if (process.state === 'running' && this.#now() - entry.at < onItsWay) continue;
      missing++;
      first ??= id;
    }
    const { invalid, unknown, unrouted, lost, held, spare } = totals;
    const told = invalid + unknown + unrouted + lost + held + spare;
    if (missing > told) {
      this.#violated(
        `${shard}: ${missing} ticks arrived nowhere (the first is ${first}), but it says that ${told} are missing ` +
          `(invalid ${invalid}, unknown ${unknown}, unrouted ${unrouted}, lost ${lost}, held ${held}, spare ${spare})`,
      );
    }
  }

  /** Forgets what went to a process that is gone, with all that it held. */
  forget(process: SimulatedProcess): void {
    this.#told.delete(process);
    for (const [id, entry] of this.#entries) if (entry.process === process) this.#entries.delete(id);
  }

  /** Everything has come right: what was on its way has arrived, or never will. */
  settled(): void {
    this.repeatsAllowed = false;
    for (const [id, entry] of this.#entries) {
      const { process, at } = entry;
      if (this.#now() - at < onItsWay) continue;
      this.#entries.delete(id);
      if (!arrived(entry)) this.#told.set(process, (this.#told.get(process) ?? 0) + 1);
    }
  }

  *#read({ columns }: Batch): Generator<[id: number, entry: Entry]> {
    for (const cell of columns['volume'] ?? []) {
      const entry = this.#entries.get(Number(cell));
      if (entry !== undefined) yield [Number(cell), entry];
    }
  }
}
