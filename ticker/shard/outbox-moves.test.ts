import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SliceSet } from '../../crds/index.ts';
import { assembleForModel, ModelSink } from './model-sink.testing.ts';
import { Outbox } from './outbox.ts';
import type { OutboxAction, OutboxOutcome } from './outbox-actions.ts';

const set: SliceSet = {
  namespace: 'default',
  name: 'watch',
  uid: 'watch',
  channel: 'ticks:default:watch',
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

/** One shard's outbox at a sink that shards share. */
class Side {
  readonly outbox: Outbox;
  readonly sink: ModelSink;
  readonly wire: { action: OutboxAction; outcome: OutboxOutcome }[] = [];
  static time = 1_000_000;

  constructor(sink: ModelSink, shard: string) {
    this.sink = sink;
    this.outbox = new Outbox({
      slice: 'default/slice',
      sliceUid: 's',
      shard,
      callsInFlight: 2,
      batchesPerCall: 2,
      bytesPerCall: 1000,
      heartbeat: 800,
      maxBytes: 1e9,
      maxBatches: 1e9,
      assemble: assembleForModel,
      emptyBody: () => '{}',
    });
    this.outbox.configure([set]);
  }

  add(...ids: number[]): void {
    for (const id of ids) {
      Side.time += 1000;
      const at = Side.time;
      this.outbox.add({ setUid: 'watch', count: 1, body: String(id), latest: [], firstReceived: at, lastReceived: at });
    }
  }

  get moment() {
    return { time: Side.time, monotonic: Side.time / 1000 };
  }

  send(): boolean {
    const action = this.outbox.next(this.moment);
    if (action === undefined) return false;
    this.wire.push({ action, outcome: this.#perform(action) });
    return true;
  }

  receive(): void {
    const arrived = this.wire.shift();
    if (arrived === undefined) return;
    this.outbox.settle(arrived.action, arrived.outcome, this.moment);
    this.outbox.echo();
  }

  settle(): void {
    while (this.send() || this.wire.length > 0) this.receive();
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

const ids = (delivered: ModelSink['live']): number[] =>
  delivered.filter(({ header }) => header.count > 0).map(({ body }) => Number(body));

test('what a successor held of a set that is gone by now is not published', () => {
  const { outbox } = new Side(new ModelSink(), 'b');
  const again: SliceSet = { ...set, uid: 'watch, created anew' };
  outbox.configure([again]);
  let released = 0;
  const held = (setUid: string) => {
    const at = Side.time;
    const release = (): void => void released++;
    return { setUid, count: 3, body: '0', latest: [], firstReceived: at, lastReceived: at, release };
  };
  outbox.adopt(held(set.uid));
  expect(released).toBe(1);
  expect(outbox.counters).toMatchObject({ added: 3, discarded: 3 });
  outbox.adopt(held(again.uid));
  expect(released).toBe(1);
  expect(outbox.counters).toMatchObject({ added: 6, discarded: 3 });
});

describe("a successor's marks", () => {
  test('are echoed by the call with which everything from before them is said, be there nothing to say', () => {
    const sink = new ModelSink();
    const owner = new Side(sink, 'a');
    owner.outbox.name(1);
    owner.settle();
    Side.time += 1_000_000;
    sink.mark = 'm.1';
    owner.send();
    owner.receive();
    expect(sink.echo).toBeUndefined();
    owner.settle();
    expect(sink.echo).toBe('m.1');
    // Each once: nothing new, no call.
    expect(owner.send()).toBe(false);
  });

  test('an accepted echo means that whatever was received before the mark was accepted (law)', () => {
    const act = fc.constantFrom('add', 'add', 'send', 'receive', 'mark');
    fc.assert(
      fc.property(fc.array(act, { maxLength: 100 }), (acts) => {
        const sink = new ModelSink();
        const owner = new Side(sink, 'a');
        owner.outbox.name(1);
        owner.settle();
        let id = 0;
        const marked = new Map<string, number>();
        for (const what of acts) {
          if (what === 'add') owner.add(++id);
          else if (what === 'send') owner.send();
          else if (what === 'receive') owner.receive();
          else {
            sink.mark = `m.${marked.size}`;
            marked.set(sink.mark, id);
          }
          if (sink.echo === undefined) continue;
          const accepted = new Set(ids(sink.live));
          for (let each = 1; each <= marked.get(sink.echo)!; each++) expect(accepted).toContain(each);
        }
        owner.settle();
        Side.time += 1_000_000;
        owner.settle();
        if (marked.size > 0) expect(sink.echo).toBe([...marked.keys()].at(-1));
      }),
      { numRuns: 300 },
    );
  });
});

describe('a successor that is refused', () => {
  /** Owner a has had 1 and 2 accepted and holds 3 and 4; b has claimed. */
  function refused() {
    const sink = new ModelSink();
    const [a, b] = [new Side(sink, 'a'), new Side(sink, 'b')];
    a.outbox.name(1);
    a.add(1, 2);
    a.settle();
    b.outbox.name(2);
    b.send();
    b.receive();
    a.outbox.stand(true);
    a.add(3, 4);
    a.settle();
    expect(a.outbox.state).toBe('refused');
    expect(a.outbox.counters).toMatchObject({ held: 2, late: 0 });
    return { sink, a, b };
  }

  test('delivers what it kept live when it is named before another call was accepted', () => {
    const { sink, a } = refused();
    a.outbox.name(3);
    a.outbox.stand(false);
    a.add(5);
    a.settle();
    expect(ids(sink.live)).toEqual([1, 2, 3, 4, 5]);
    expect(ids(sink.late)).toEqual([]);
    const [, , third] = sink.live.filter(({ header }) => header.count > 0);
    expect(third!.header).toMatchObject({ epoch: 3, seq: 1, prev: { epoch: 1, claim: 1, seq: 2 } });
    expect(sink.live.some(({ header }) => header.gap !== undefined || header.overlap)).toBe(false);
    expect(a.outbox.counters).toMatchObject({ published: 5, late: 0, held: 0 });
  });

  test('sends it late when another delivered in between, and goes on live with what it holds since', () => {
    const { sink, a, b } = refused();
    b.add(13, 14);
    b.settle();
    a.outbox.name(3, 0, true);
    a.outbox.stand(false);
    a.add(5);
    a.settle();
    expect(ids(sink.live)).toEqual([1, 2, 13, 14, 5]);
    expect(ids(sink.late)).toEqual([3, 4]);
    expect(sink.live.at(-1)!.header).toMatchObject({ epoch: 3, seq: 1 });
    expect(sink.live.at(-1)!.header.gap).toBeUndefined();
    expect(a.outbox.counters).toMatchObject({ takenOverWarm: 1, takenOverCold: 0, held: 0 });
  });

  test.each(['stands no longer', 'is superseded'])('sends it late when it %s', (what) => {
    const { sink, a } = refused();
    if (what === 'stands no longer') {
      a.outbox.stand(false);
      a.outbox.superseded();
    } else a.outbox.superseded();
    a.settle();
    expect(ids(sink.late)).toEqual([3, 4]);
    expect(a.outbox.settled).toBe(true);
  });
});
