import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../runtime/log.ts';
import { assembleForModel, ModelSink } from '../model-sink.testing.ts';
import { Outbox } from '../outbox.ts';
import type { OutboxAction, OutboxOutcome } from '../outbox-actions.ts';
import { sliceSet } from '../shard.testing.ts';
import { MemoryFiles } from './memory-files.testing.ts';
import { decodePayload } from './records.ts';
import { readSegment } from './segment-format.ts';
import type { SliceSpool } from './slice-spool.ts';
import { Spool } from './spool.ts';

const setUids = ['set-a', 'set-b'];

/** A process with an outbox and a spool, which can crash and be started anew on the same files; the sink goes on. */
class Bench {
  readonly sink = new ModelSink();
  files = new MemoryFiles();
  outbox!: Outbox;
  spool!: Spool;
  slice!: SliceSpool;
  wire: { action: OutboxAction; outcome: OutboxOutcome }[] = [];
  time = 1_000_000;
  id = 0;
  epoch = 1;
  readonly #bounds: { maxBytes: number; maxBatches: number };

  constructor(bounds: Partial<{ maxBytes: number; maxBatches: number }> = {}) {
    this.#bounds = { maxBytes: 1e9, maxBatches: 1e9, ...bounds };
  }

  async start(): Promise<this> {
    this.spool = new Spool({ files: this.files, maxBytes: this.#bounds.maxBytes, log: silentLogger });
    await this.spool.open();
    this.slice = this.spool.slice('s', (segment) => this.outbox.spill.dropSegment(segment));
    this.outbox = new Outbox({
      slice: 'default/slice',
      sliceUid: 's',
      shard: 'shard-0',
      callsInFlight: 3,
      batchesPerCall: 2,
      bytesPerCall: 1000,
      heartbeat: 800,
      maxBytes: 1e9,
      maxBatches: this.#bounds.maxBatches,
      spill: { bytes: 4, batches: 2, chunkBytes: 6, released: (place) => this.slice.release(place) },
      assemble: assembleForModel,
      emptyBody: () => '{}',
    });
    this.outbox.restore(this.spool.takeRestored('s'));
    this.outbox.configure(['a', 'b'].map((name) => sliceSet(name)));
    this.outbox.name(this.epoch);
    return this;
  }

  get moment() {
    return { time: this.time, monotonic: this.time / 1000 };
  }

  add(set: number, count = 1): void {
    this.time += 1000;
    const id = ++this.id;
    this.outbox.add({
      setUid: setUids[set]!,
      count,
      body: String(id),
      latest: [],
      firstReceived: this.time,
      lastReceived: this.time,
    });
  }

  async store(all = false): Promise<void> {
    const work = this.outbox.spill.toStore(all);
    if (work === undefined) return;
    try {
      const places = await this.slice.store(work, (always) => this.outbox.spill.lanesToNote(always), all);
      this.outbox.spill.stored(work.items, places);
    } catch {
      this.outbox.spill.notStored(work.items);
      return;
    }
    await this.spool.enforce();
  }

  async load(): Promise<void> {
    const wanted = this.outbox.spill.toLoad();
    const batches = await this.slice.load(wanted);
    wanted.forEach((held, i) => {
      this.outbox.spill.loaded(held, batches[i]);
    });
  }

  async send(fault = 'none'): Promise<boolean> {
    const action = this.outbox.next(this.moment);
    if (action === undefined) return false;
    if (action.kind === 'send' || action.kind === 'sendLate') {
      const lanes = this.outbox.spill.lanesToNote(false);
      await this.slice.note(action.mark, lanes).catch(() => {});
    }
    const outcome: OutboxOutcome = fault === 'requestLost' ? { kind: 'unavailable' } : this.#perform(action);
    this.wire.push({ action, outcome: fault === 'none' ? outcome : { kind: 'unavailable' } });
    return true;
  }

  receive(): void {
    const arrived = this.wire.shift();
    if (arrived !== undefined) this.outbox.settle(arrived.action, arrived.outcome, this.moment);
  }

  /** The process is killed; `torn`: while it writes, after that many bytes. Another starts in its place. */
  async crash(torn?: number): Promise<void> {
    if (torn !== undefined) {
      this.files.room = torn;
      await this.store(true);
    }
    this.files.crashed = true;
    this.wire = [];
    this.files = this.files.copy();
    await this.start();
  }

  /** Everything works from now on, until nothing is left to do. */
  async heal(): Promise<void> {
    this.files.unwritable = false;
    for (let turn = 0; turn < 10_000; turn++) {
      await this.store();
      await this.load();
      await this.slice.removeFree();
      const { heldBatches } = this.outbox.counters;
      if (heldBatches === 0 && this.wire.length === 0 && this.outbox.state !== 'claiming') return;
      if (await this.send()) continue;
      if (this.wire.length === 0) {
        if (this.outbox.spill.toLoad().length === 0) return;
      } else this.receive();
    }
    throw new Error('the outbox does not come to rest');
  }

  #perform(action: OutboxAction): OutboxOutcome {
    switch (action.kind) {
      case 'claim':
        return this.sink.claim(action.request);
      case 'send':
        return this.sink.send(action.call);
      case 'sendLate':
        return this.sink.sendLate(action.call);
      case 'end':
        return this.sink.end(action.token);
    }
  }

  live = (): number[] => this.sink.live.filter(({ header }) => header.count > 0).map(({ body }) => Number(body));
  late = (): number[] => this.sink.late.filter(({ header }) => header.count > 0).map(({ body }) => Number(body));
}

const faults = fc.constantFrom('none', 'none', 'none', 'requestLost', 'replyLost');
const steps = {
  add: fc.record({ do: fc.constant('add'), set: fc.nat(1), count: fc.integer({ min: 1, max: 9 }) }),
  send: fc.record({ do: fc.constant('send'), fault: faults }),
  receive: fc.record({ do: fc.constant('receive') }),
  store: fc.record({ do: fc.constant('store'), all: fc.boolean() }),
  load: fc.record({ do: fc.constant('load') }),
  free: fc.record({ do: fc.constant('free') }),
  disk: fc.record({ do: fc.constant('disk'), works: fc.boolean() }),
  full: fc.record({ do: fc.constant('full'), room: fc.nat(900) }),
  wait: fc.record({ do: fc.constant('wait') }),
  name: fc.record({ do: fc.constant('name') }),
  compete: fc.record({ do: fc.constant('compete'), delivers: fc.boolean() }),
  crash: fc.record({ do: fc.constant('crash'), torn: fc.option(fc.nat(1500), { nil: undefined }) }),
};
interface Step {
  readonly do: string;
  readonly set?: number;
  readonly count?: number;
  readonly fault?: string;
  readonly all?: boolean;
  readonly works?: boolean;
  readonly room?: number;
  readonly delivers?: boolean;
  readonly torn?: number | undefined;
}
function some(weights: Partial<Record<keyof typeof steps, number>>): fc.Arbitrary<Step[]> {
  const arbitraries = Object.entries(weights).map(([name, weight]) => ({
    weight,
    arbitrary: steps[name as keyof typeof steps] as fc.Arbitrary<Step>,
  }));
  return fc.array(fc.oneof(...arbitraries), { maxLength: 100, size: 'max' });
}
const ordinary = { add: 8, send: 8, receive: 8, store: 4, load: 4, free: 2, wait: 1, name: 1 };

async function run(bench: Bench, list: readonly Step[], crashed: () => void = () => {}): Promise<void> {
  for (const step of list) {
    if (step.do === 'add') bench.add(step.set ?? 0, step.count);
    else if (step.do === 'send') await bench.send(step.fault);
    else if (step.do === 'receive') bench.receive();
    else if (step.do === 'store') await bench.store(step.all);
    else if (step.do === 'load') await bench.load();
    else if (step.do === 'free') await bench.slice.removeFree().catch(() => {});
    else if (step.do === 'disk') bench.files.unwritable = step.works !== true;
    else if (step.do === 'full') bench.files.room = step.room ?? 0;
    else if (step.do === 'wait') bench.time += 1_000_000;
    else if (step.do === 'name') bench.outbox.name(++bench.epoch);
    else if (step.do === 'compete') bench.sink.compete(++bench.epoch, step.delivers ?? false);
    else {
      crashed();
      await bench.crash(step.torn);
    }
    const { added, published, late, dropped, discarded, held, spooled, heldBytes } = bench.outbox.counters;
    expect(published + late + dropped + discarded + held).toBe(added);
    expect(spooled).toBeLessThanOrEqual(held);
    expect(heldBytes).toBeGreaterThanOrEqual(0);
  }
}

const ascending = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b);

/** `seq` counts by one in each (set, token). */
function expectSequences(bench: Bench): void {
  const last = new Map<string, number>();
  for (const { header, setUid } of bench.sink.live) {
    if (header.count === 0) continue;
    const key = `${setUid} ${header.epoch}.${header.claim}`;
    expect(header.seq).toBe((last.get(key) ?? 0) + 1);
    last.set(key, header.seq);
  }
}

describe('an outbox with a spool', () => {
  test('loses, repeats and reorders nothing, whatever requests and replies are lost; then the spool is empty', async () => {
    await fc.assert(
      fc.asyncProperty(some(ordinary), async (list) => {
        const bench = await new Bench().start();
        await run(bench, list);
        await bench.heal();
        expect(bench.live()).toEqual(Array.from({ length: bench.id }, (_, i) => i + 1));
        expectSequences(bench);
        for (const { header } of bench.sink.live) expect(header.gap).toBeUndefined();
        await bench.slice.removeFree();
        expect(bench.files.files.size).toBe(0);
        expect(bench.spool.snapshot).toMatchObject({ bytes: 0, batches: 0, segments: 0 });
      }),
      { numRuns: 200 },
    );
  });

  test('a disk that fails or is full costs nothing while memory has room', async () => {
    await fc.assert(
      fc.asyncProperty(some({ ...ordinary, disk: 2, full: 2 }), async (list) => {
        const bench = await new Bench().start();
        await run(bench, list);
        bench.files.room = Number.POSITIVE_INFINITY;
        await bench.heal();
        expect(bench.live()).toEqual(Array.from({ length: bench.id }, (_, i) => i + 1));
        expectSequences(bench);
      }),
      { numRuns: 200 },
    );
  });

  test('with competing owners each batch arrives once, live or late, each in order', async () => {
    await fc.assert(
      fc.asyncProperty(some({ ...ordinary, compete: 1 }), async (list) => {
        const bench = await new Bench().start();
        await run(bench, list);
        await bench.heal();
        const live = bench.live();
        expect(ascending([...live, ...bench.late()])).toEqual(Array.from({ length: bench.id }, (_, i) => i + 1));
        expect(live).toEqual(ascending(live));
        expectSequences(bench);
      }),
      { numRuns: 200 },
    );
  });

  test('past the bounds of disk and memory the oldest are dropped, and gaps name exactly as many ticks', async () => {
    const small = fc.record({
      maxBytes: fc.integer({ min: 600, max: 6000 }),
      maxBatches: fc.integer({ min: 3, max: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(some({ ...ordinary, disk: 1 }), small, async (list, bounds) => {
        const bench = await new Bench(bounds).start();
        await run(bench, list);
        await bench.heal();
        for (const set of [0, 1]) {
          bench.add(set);
          await bench.heal();
        }
        const delivered = bench.sink.live.filter(({ header }) => header.count > 0);
        const told = delivered.reduce((sum, { header }) => sum + (header.gap?.ticks ?? 0), 0);
        const got = delivered.reduce((sum, { header }) => sum + header.count, 0);
        expect(told).toBe(bench.outbox.counters.dropped);
        expect(got + told).toBe(bench.outbox.counters.added);
        const live = bench.live();
        expect(live).toEqual(ascending(live));
        expectSequences(bench);
      }),
      { numRuns: 200 },
    );
  });

  test('what is on its way to the disk is not dropped, however much comes meanwhile', async () => {
    const bench = await new Bench({ maxBatches: 6 }).start();
    for (let i = 0; i < 6; i++) bench.add(0);
    const work = bench.outbox.spill.toStore(false)!;
    const stored = bench.slice.store(work, (always) => bench.outbox.spill.lanesToNote(always), false);
    for (let i = 0; i < 20; i++) bench.add(0);
    expect(work.items).toHaveLength(3);
    bench.outbox.spill.stored(work.items, await stored);
    const { dropped, spooled, held } = bench.outbox.counters;
    expect(spooled).toBe(work.items.length);
    expect(dropped).toBe(20);
    expect(held).toBe(6);
    await bench.heal();
    expect(bench.live()).toEqual([1, 2, 3, 24, 25, 26]);
    expect(bench.sink.live.find(({ body }) => body === '24')?.header.gap).toMatchObject({ why: 'spool', ticks: 20 });
  });

  test('killed at any moment: what the spool had arrives, once, in order; nothing that was accepted comes again', async () => {
    await fc.assert(
      fc.asyncProperty(some({ ...ordinary, crash: 2 }), async (list) => {
        const bench = await new Bench().start();
        let mustArrive: number[] = [];
        await run(bench, list, () => {
          mustArrive = [...mustArrive, ...stored(bench)];
        });
        await bench.heal();
        const live = bench.live();
        expect(bench.late()).toEqual([]);
        expect(live).toEqual(ascending([...new Set(live)]));
        expect(live).toEqual(expect.arrayContaining(mustArrive));
        expectSequences(bench);
      }),
      { numRuns: 400 },
    );
  });

  test('killed while others compete: live or late, but once', async () => {
    await fc.assert(
      fc.asyncProperty(some({ ...ordinary, crash: 2, compete: 1 }), async (list) => {
        const bench = await new Bench().start();
        let mustArrive: number[] = [];
        await run(bench, list, () => {
          mustArrive = [...mustArrive, ...stored(bench)];
        });
        // Late is told under a newer token only.
        bench.sink.compete(++bench.epoch, true);
        bench.outbox.name(++bench.epoch);
        await bench.heal();
        const all = [...bench.live(), ...bench.late()];
        expect(ascending(all)).toEqual(ascending([...new Set(all)]));
        expect(all).toEqual(expect.arrayContaining(mustArrive));
        expectSequences(bench);
      }),
      { numRuns: 400 },
    );
  });
});

describe('a process that is killed', () => {
  /** Eight batches, of which the sink has some; the rest is in the spool. */
  async function halfDelivered(): Promise<Bench> {
    const bench = await new Bench().start();
    for (let i = 0; i < 8; i++) bench.add(i % 2);
    for (let i = 0; i < 5; i++) await bench.store(true);
    await bench.send();
    bench.receive();
    for (let i = 0; i < 2; i++) {
      await bench.load();
      await bench.send();
    }
    expect(bench.live().length).toBeGreaterThan(2);
    expect(bench.live().length).toBeLessThan(8);
    return bench;
  }

  test('resends under a new claim exactly what the sink lacks, names the batch before it and tells the gap', async () => {
    const bench = await halfDelivered();
    const had = bench.live().length;
    await bench.crash();
    expect(bench.outbox.counters).toMatchObject({ restored: 8, held: 8, spooled: 8 });
    bench.add(0);
    await bench.heal();
    expect(bench.live()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const { header } = bench.sink.live.find(({ body }) => body === String(had + 1))!;
    expect(header).toMatchObject({ epoch: 1, claim: 2, seq: 1, prev: { epoch: 1, claim: 1 } });
    expect(header.overlap).toBeUndefined();
    expect(header.gap).toBeUndefined();
    const fresh = bench.sink.live.find(({ body }) => body === '9')!;
    expect(fresh.header.gap).toMatchObject({ why: 'newOwner' });
    expect(bench.outbox.counters).toMatchObject({ restored: 8 - had, published: 9 - had, held: 0 });
  });

  test('tells late what the sink lacks where another delivered in the meantime', async () => {
    const bench = await halfDelivered();
    const had = bench.live().length;
    await bench.crash();
    bench.sink.compete(2, true);
    bench.outbox.name(3);
    bench.add(0);
    await bench.heal();
    expect(bench.live()).toEqual([...Array.from({ length: had }, (_, i) => i + 1), 9]);
    expect(bench.late()).toEqual(Array.from({ length: 8 - had }, (_, i) => had + i + 1));
    for (const { header } of bench.sink.late) expect(header).toMatchObject({ epoch: 1, claim: 1, late: true });
    // Its `seq` goes on from what was live.
    const seqs = bench.sink.late.filter(({ setUid }) => setUid === 'set-a').map(({ header }) => header.seq);
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, i) => 5 - seqs.length + i));
  });

  test('goes late where it is refused, without a claim', async () => {
    const bench = await halfDelivered();
    await bench.crash();
    bench.sink.compete(2, true);
    await bench.heal();
    expect(bench.outbox.state).toBe('refused');
    expect(ascending([...bench.live(), ...bench.late()])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('marks as a possible repeat what it sent to a sink that lost its data since', async () => {
    const bench = await halfDelivered();
    const had = bench.live().length;
    bench.sink.wipe();
    await bench.crash();
    await bench.heal();
    const again = bench.sink.live.filter(({ header }) => header.count > 0).slice(had);
    expect(again.map(({ body }) => Number(body))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(again.map(({ header }) => header.overlap === true)).toEqual(again.map((_, i) => i < had));
  });

  test('any number of times, at every step of the replay', async () => {
    const bench = await new Bench().start();
    for (let i = 0; i < 20; i++) bench.add(i % 2);
    for (let i = 0; i < 10; i++) await bench.store(true);
    for (let step = 0; step < 60; step++) {
      if (step % 3 === 0) await bench.crash();
      await bench.send();
      if (step % 2 === 0) bench.receive();
      await bench.load();
      await bench.send();
      await bench.slice.removeFree();
    }
    await bench.heal();
    expect(bench.live()).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expectSequences(bench);
  });
});

/** Bodies of the whole records in the files of a bench, whether they wait or not. */
function stored(bench: Bench): number[] {
  const payloads = [...bench.files.files.values()].flatMap((bytes) => readSegment(bytes).records);
  const records = payloads.map(({ payload }) => decodePayload(payload));
  return records.flatMap((record) => (record.kind === 'batch' ? [Number(record.batch.body)] : []));
}
