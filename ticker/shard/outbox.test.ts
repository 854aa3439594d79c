import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SliceSet } from '../../crds/index.ts';
import type { GatheredBatch } from '../pipeline/gathered-batch.ts';
import { assembleForModel, type Delivered, ModelSink } from './model-sink.testing.ts';
import { Outbox, type OutboxOptions } from './outbox.ts';
import type { OutboxAction, OutboxOutcome } from './outbox-actions.ts';

const setUids = ['set-a', 'set-b'];

function sliceSet(uid: string): SliceSet {
  return {
    namespace: 'default',
    name: uid,
    uid,
    channel: `ticks:default:${uid}`,
    validation: { action: 'enforce' },
    delivery: {
      format: 'json',
      pubsub: true,
      sharded: false,
      latest: true,
      window: 100,
      maxTicks: 1000,
      conflate: false,
    },
  };
}

/** An outbox, the sink it talks to, and the wire between them. */
class Bench {
  readonly sink = new ModelSink();
  readonly outbox: Outbox;
  readonly wire: { action: OutboxAction; outcome: OutboxOutcome }[] = [];
  time = 1_000_000;
  id = 0;

  constructor(bounds: Partial<OutboxOptions> = {}) {
    this.outbox = new Outbox({
      slice: 'default/slice',
      sliceUid: 's',
      shard: 'shard-0',
      callsInFlight: 4,
      batchesPerCall: 3,
      bytesPerCall: 1000,
      heartbeat: 800,
      maxBytes: 1e9,
      maxBatches: 1e9,
      assemble: assembleForModel,
      emptyBody: () => '{}',
      ...bounds,
    });
    this.outbox.configure(setUids.map(sliceSet));
  }

  get moment() {
    return { time: this.time, monotonic: this.time / 1000 };
  }

  add(set: number, count = 1): void {
    this.time += 1000;
    const batch: GatheredBatch = {
      setUid: setUids[set]!,
      count,
      body: String(++this.id),
      latest: [],
      firstReceived: this.time,
      lastReceived: this.time,
    };
    this.outbox.add(batch);
  }

  /** Sends the next action; the answer waits on the wire. Returns false when there is none. */
  send(fault: 'none' | 'requestLost' | 'replyLost' = 'none'): boolean {
    const action = this.outbox.next(this.moment);
    if (action === undefined) return false;
    const outcome: OutboxOutcome = fault === 'requestLost' ? { kind: 'unavailable' } : this.#perform(action);
    this.wire.push({ action, outcome: fault === 'none' ? outcome : { kind: 'unavailable' } });
    return true;
  }

  /** Lets the oldest answer arrive. */
  receive(): void {
    const arrived = this.wire.shift();
    if (arrived !== undefined) this.outbox.settle(arrived.action, arrived.outcome, this.moment);
  }

  /** Everything works from now on, until nothing is left to do. */
  heal(): void {
    for (let turn = 0; turn < 10_000; turn++) {
      const sent = this.outbox.counters.heldBatches > 0 || this.wire.length > 0 || this.outbox.state === 'claiming';
      if (!sent) return;
      if (!this.send()) {
        if (this.wire.length === 0) return;
        this.receive();
      }
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
}

function ticksOf(delivered: readonly Delivered[]): Delivered[] {
  return delivered.filter(({ header }) => header.count > 0);
}

function expectSum(outbox: Outbox): void {
  const { added, published, late, dropped, discarded, held } = outbox.counters;
  expect(published + late + dropped + discarded + held).toBe(added);
}

/** `seq` counts by one from 1 in each (set, token), and the first names the last batch of the token before. */
function expectSequences(delivered: readonly Delivered[]): void {
  const last = new Map<string, number>();
  for (const { header, setUid } of ticksOf(delivered)) {
    const key = `${setUid} ${header.epoch}.${header.claim}`;
    expect(header.seq).toBe((last.get(key) ?? 0) + 1);
    expect('prev' in header).toBe(header.seq === 1);
    last.set(key, header.seq);
  }
}

const faults = fc.constantFrom('none', 'none', 'none', 'requestLost', 'replyLost');
const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('add'), set: fc.nat(1), count: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('send'), fault: faults }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('receive') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compete'), delivers: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('name') }) },
);
const commands = fc.array(command, { maxLength: 120, size: 'max' });
type Command = { do: string; set?: number; count?: number; fault?: 'none'; delivers?: boolean };

function run(bench: Bench, list: readonly Command[], mayCompete: boolean): void {
  let epoch = 1;
  bench.outbox.name(epoch);
  for (const command of list) {
    if (command.do === 'add') bench.add(command.set ?? 0, command.count);
    else if (command.do === 'send') bench.send(command.fault);
    else if (command.do === 'receive') bench.receive();
    else if (command.do === 'wait') bench.time += 1_000_000;
    else if (command.do === 'compete' && mayCompete) bench.sink.compete(++epoch, command.delivers ?? false);
    else if (command.do === 'wipe') bench.sink.wipe();
    else if (command.do === 'name') bench.outbox.name(++epoch);
    expectSum(bench.outbox);
  }
}

describe('outbox', () => {
  test('loses, repeats and reorders nothing, whatever requests and replies are lost', () => {
    fc.assert(
      fc.property(commands, (list) => {
        const bench = new Bench();
        run(bench, list as Command[], false);
        bench.heal();
        const live = ticksOf(bench.sink.live);
        for (const uid of setUids) {
          const ids = live.filter(({ setUid }) => setUid === uid).map(({ body }) => Number(body));
          expect(ids).toEqual([...ids].sort((a, b) => a - b));
        }
        expect(live.map(({ body }) => Number(body))).toEqual(Array.from({ length: bench.id }, (_, i) => i + 1));
        expect(bench.outbox.counters.published).toBe(bench.outbox.counters.added);
        expectSequences(bench.sink.live);
        for (const { header } of live) expect(header.gap).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test('with competing owners each batch arrives once, live or late, each in order', () => {
    fc.assert(
      fc.property(commands, (list) => {
        const bench = new Bench();
        run(bench, list as Command[], true);
        bench.heal();
        const live = ticksOf(bench.sink.live).map(({ body }) => Number(body));
        const late = ticksOf(bench.sink.late).map(({ body }) => Number(body));
        expect([...live, ...late].sort((a, b) => a - b)).toEqual(Array.from({ length: bench.id }, (_, i) => i + 1));
        expect(live).toEqual([...live].sort((a, b) => a - b));
        expectSequences([...bench.sink.live]);
        for (const { header } of bench.sink.late) expect(header.late).toBe(true);
        for (const { header } of bench.sink.live) expect(header.late).toBeUndefined();
        const { published, late: lateTicks, added } = bench.outbox.counters;
        expect(published + lateTicks).toBe(added);
      }),
      { numRuns: 300 },
    );
  });

  test('a sink that loses its data makes nothing disappear, and every repeat is marked', () => {
    const wipe = fc.record({ do: fc.constant('wipe') });
    const withWipes = fc.array(fc.oneof({ weight: 12, arbitrary: command }, { weight: 1, arbitrary: wipe }), {
      maxLength: 120,
      size: 'max',
    });
    fc.assert(
      fc.property(withWipes, (list) => {
        const bench = new Bench();
        run(bench, list as Command[], false);
        bench.heal();
        const seen = new Set<number>();
        for (const { header, body } of ticksOf(bench.sink.live)) {
          if (seen.has(Number(body))) expect(header.overlap).toBe(true);
          seen.add(Number(body));
        }
        expect(seen.size).toBe(bench.id);
        expectSequences(bench.sink.live);
      }),
      { numRuns: 300 },
    );
  });

  test('past its bound the oldest are dropped, and gaps name exactly as many ticks', () => {
    fc.assert(
      fc.property(commands, fc.integer({ min: 1, max: 12 }), (list, maxBatches) => {
        const bench = new Bench({ maxBatches });
        run(bench, list as Command[], false);
        bench.heal();
        for (const set of [0, 1]) {
          bench.add(set);
          bench.heal();
        }
        const told = ticksOf(bench.sink.live).reduce((sum, { header }) => sum + (header.gap?.ticks ?? 0), 0);
        const got = ticksOf(bench.sink.live).reduce((sum, { header }) => sum + header.count, 0);
        expect(told).toBe(bench.outbox.counters.dropped);
        expect(got + told).toBe(bench.outbox.counters.added);
        expectSequences(bench.sink.live);
      }),
      { numRuns: 300 },
    );
  });

  test('an owner of a fresh fence begins at 1 with no batch before it', () => {
    const bench = new Bench();
    bench.outbox.name(1);
    bench.add(0);
    bench.heal();
    const [first] = ticksOf(bench.sink.live);
    expect(first!.header).toMatchObject({ v: 1, set: 'default/set-a', epoch: 1, claim: 1, seq: 1, prev: null });
    expect(first!.header.gap).toBeUndefined();
    expect(first!.header.overlap).toBeUndefined();
  });

  test('a new owner names the batch before it, says that ticks are missing, and marks what may repeat', () => {
    const bench = new Bench();
    bench.sink.compete(1, true);
    bench.sink.previous.set('set-a', { epoch: 1, claim: 1, seq: 7 });
    bench.outbox.name(2);
    bench.add(0);
    bench.time += 1000;
    bench.send();
    bench.receive();
    bench.add(0);
    bench.heal();
    const [first, second] = ticksOf(bench.sink.live);
    expect(first!.header).toMatchObject({ prev: { epoch: 1, claim: 1, seq: 7 }, overlap: true });
    expect(first!.header.gap).toMatchObject({ why: 'newOwner' });
    expect(second!.header.overlap).toBeUndefined();
    expect(second!.header.gap).toBeUndefined();
  });

  test('says at least once a second on every channel that it lives', () => {
    const bench = new Bench();
    bench.outbox.name(1);
    bench.heal();
    for (let tick = 0; tick < 50; tick++) {
      bench.time += 100_000;
      bench.add(0);
      while (bench.send()) bench.receive();
    }
    const beats = bench.sink.live.filter(({ setUid, header }) => setUid === 'set-b' && header.count === 0);
    expect(beats.length).toBeGreaterThanOrEqual(5);
    expect(beats.length).toBeLessThanOrEqual(8);
    expect(beats.every(({ header }) => header.seq === 0)).toBe(true);
  });

  test('does not heap up heartbeats while the sink is away', () => {
    const bench = new Bench();
    bench.outbox.name(1);
    bench.heal();
    const calls = new Set<number>();
    for (let tick = 0; tick < 100; tick++) {
      bench.time += 1_000_000;
      const action = bench.outbox.next(bench.moment);
      if (action?.kind !== 'send') continue;
      calls.add(action.call.n);
      bench.outbox.settle(action, { kind: 'unavailable' }, bench.moment);
    }
    expect(calls.size).toBe(1);
  });

  test('a sink that lost its data is claimed again, told what it lost, and given the rest', () => {
    const bench = new Bench();
    bench.outbox.name(1);
    for (let i = 0; i < 5; i++) bench.add(0, 10);
    bench.heal();
    bench.sink.wipe();
    bench.add(0, 3);
    bench.heal();
    const last = ticksOf(bench.sink.live).at(-1)!;
    expect(last.header).toMatchObject({
      seq: 1,
      prev: { epoch: 1, claim: 1, seq: 5 },
      gap: { why: 'redis', ticks: 50 },
    });
    expect(bench.outbox.counters.lostBySink).toBe(50);
    expectSum(bench.outbox);
  });

  test('a sink that fell back a few calls has the lost ones named', () => {
    const bench = new Bench({ batchesPerCall: 1 });
    bench.outbox.name(1);
    for (let i = 0; i < 5; i++) bench.add(0, 10);
    bench.heal();
    bench.sink.accepted.set('1.1', 3);
    bench.add(0, 1);
    bench.heal();
    const last = ticksOf(bench.sink.live).at(-1)!;
    expect(last.header).toMatchObject({ epoch: 1, claim: 2, seq: 1, gap: { why: 'redis', ticks: 20 } });
  });

  test('never claims a refused epoch again, and goes on under a newer one', () => {
    const bench = new Bench();
    bench.outbox.name(1);
    bench.add(0);
    bench.heal();
    bench.sink.compete(2, true);
    bench.add(0);
    bench.heal();
    expect(bench.outbox.state).toBe('refused');
    expect(bench.outbox.beatenBy).toEqual({ epoch: 2, claim: 1 });
    expect(bench.outbox.next(bench.moment)).toBeUndefined();
    bench.outbox.name(3);
    bench.add(0);
    bench.heal();
    expect(bench.outbox.state).toBe('live');
    expect(ticksOf(bench.sink.live).at(-1)!.header).toMatchObject({ epoch: 3, claim: 1, seq: 1 });
  });

  test('what is gathered in the moment of refusal goes late too', () => {
    const bench = new Bench();
    bench.outbox.name(1);
    bench.add(0);
    bench.heal();
    bench.sink.compete(2, true);
    bench.add(0);
    bench.heal();
    bench.add(1);
    bench.heal();
    expect(ticksOf(bench.sink.late).map(({ body }) => body)).toEqual(['2', '3']);
    expect(bench.outbox.settled).toBe(true);
  });

  test('an ending slice marks the last batch of every set and closes the fence', () => {
    const bench = new Bench();
    bench.outbox.name(1);
    bench.add(0);
    bench.add(0);
    bench.outbox.finish();
    for (let turn = 0; turn < 20 && bench.outbox.state !== 'ended'; turn++) {
      bench.send();
      bench.receive();
    }
    expect(bench.sink.ended).toBe(true);
    expect(bench.outbox.settled).toBe(true);
    const ends = bench.sink.live.filter(({ header }) => header.end);
    expect(ends.map(({ setUid, header }) => [setUid, header.seq, header.count])).toEqual([
      ['set-a', 2, 1],
      ['set-b', 0, 0],
    ]);
  });

  test('a tombstone gives back what is held as discarded', () => {
    const bench = new Bench();
    bench.sink.ended = true;
    bench.outbox.name(1);
    bench.add(0, 4);
    bench.send();
    bench.receive();
    expect(bench.outbox.state).toBe('ended');
    expect(bench.outbox.counters).toMatchObject({ discarded: 4, held: 0, heldBytes: 0 });
    expectSum(bench.outbox);
  });
});

test('a set that is created anew under its name goes on counting, as readers tell sets by name', () => {
  const bench = new Bench();
  bench.outbox.name(1);
  bench.add(0);
  bench.add(0);
  bench.heal();
  const anew = { ...sliceSet('set-a'), uid: 'set-a-again' };
  bench.outbox.configure([anew, sliceSet('set-b')]);
  bench.outbox.add({ setUid: anew.uid, count: 1, body: '9', latest: [], firstReceived: 1, lastReceived: 1 });
  const action = bench.outbox.next(bench.moment);
  expect(action?.kind === 'send' && action.call.batches[0]).toMatchObject({ setUid: anew.uid, header: { seq: 3 } });
});

describe('a set that leaves a slice which goes on', () => {
  function ends(bench: Bench) {
    return bench.sink.live
      .filter(({ header }) => header.end)
      .map(({ setUid, header }) => [setUid, header.claim, header.seq, header.count]);
  }

  function speak(bench: Bench): void {
    while (bench.send()) bench.receive();
  }

  test('is told the end by its last batch, in order behind what waits', () => {
    const bench = new Bench({ batchesPerCall: 1 });
    bench.outbox.name(1);
    bench.add(0);
    bench.add(1);
    bench.add(0);
    bench.outbox.configure([sliceSet('set-b')]);
    bench.add(0);
    speak(bench);
    expect(ends(bench)).toEqual([['set-a', 1, 3, 1]]);
    bench.time += 10e6;
    speak(bench);
    const after = bench.sink.live.slice(bench.sink.live.findIndex(({ header }) => header.end) + 1);
    expect(after.filter(({ setUid }) => setUid === 'set-a')).toEqual([]);
  });

  test('is told by a heartbeat where nothing of it waits, once', () => {
    const bench = new Bench();
    bench.outbox.name(1);
    bench.add(0);
    bench.heal();
    bench.outbox.configure([sliceSet('set-b')]);
    speak(bench);
    bench.outbox.configure([sliceSet('set-b')]);
    speak(bench);
    expect(ends(bench)).toEqual([['set-a', 1, 1, 0]]);
    expect(bench.outbox.settled).toBe(true);
  });

  test('is told however often the answer is lost, and under the next claim where it was lost for good', () => {
    const bench = new Bench();
    bench.outbox.name(1);
    bench.add(0);
    bench.heal();
    bench.outbox.configure([sliceSet('set-b')]);
    bench.send('requestLost');
    bench.receive();
    expect(ends(bench)).toEqual([]);
    bench.sink.wipe();
    speak(bench);
    expect(ends(bench)).toEqual([['set-a', 2, 0, 0]]);
  });

  test('is not told where it is created anew under its name, or comes back before it could be', () => {
    const bench = new Bench();
    bench.outbox.name(1);
    bench.heal();
    bench.outbox.configure([sliceSet('set-a'), { ...sliceSet('set-b'), uid: 'set-b-again' }]);
    bench.outbox.configure([{ ...sliceSet('set-b'), uid: 'set-b-again' }]);
    bench.outbox.configure([sliceSet('set-a'), { ...sliceSet('set-b'), uid: 'set-b-again' }]);
    bench.time += 10e6;
    speak(bench);
    expect(ends(bench)).toEqual([]);
  });

  test('goes on counting when it comes back, and is told once more when it leaves again', () => {
    const bench = new Bench();
    bench.outbox.name(1);
    bench.add(0);
    bench.heal();
    for (let turn = 0; turn < 2; turn++) {
      bench.outbox.configure([sliceSet('set-b')]);
      speak(bench);
      bench.outbox.configure(setUids.map(sliceSet));
      bench.add(0);
      bench.heal();
    }
    expect(ends(bench)).toEqual([
      ['set-a', 1, 1, 0],
      ['set-a', 1, 2, 0],
    ]);
    expectSequences(bench.sink.live);
  });
});

test('an outbox that waits for the answer to its end is not due', () => {
  const bench = new Bench();
  bench.outbox.name(1);
  bench.add(0);
  bench.heal();
  bench.outbox.finish();
  expect(bench.send()).toBe(true);
  bench.receive();
  expect(bench.outbox.next(bench.moment)).toMatchObject({ kind: 'end' });
  bench.time += 10_000_000;
  expect(bench.outbox.next(bench.moment)).toBeUndefined();
  expect(bench.outbox.nextDue()).toBe(Number.POSITIVE_INFINITY);
});
