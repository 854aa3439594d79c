import { expect, test } from 'vitest';
import { Outbox } from './outbox.ts';
import { sliceSet } from './shard.testing.ts';

const spill = { bytes: 1e9, batches: 1e9, chunkBytes: 1e6, released: () => {} };

/** Claims, adds one batch, has it accepted after `meanwhile`; returns how often its memory was given back. */
function accepted(more: { spill?: typeof spill } = {}, meanwhile: (outbox: Outbox) => void = () => {}): number {
  let released = 0;
  const outbox = new Outbox({
    slice: 'default/slice',
    sliceUid: 's',
    shard: 'shard-0',
    callsInFlight: 3,
    batchesPerCall: 2,
    bytesPerCall: 1000,
    heartbeat: 800,
    maxBytes: 1e9,
    maxBatches: 1e9,
    assemble: (_header, body) => body,
    emptyBody: () => '{}',
    ...more,
  });
  const moment = { time: 1, monotonic: 1 };
  outbox.configure([sliceSet('a')]);
  outbox.name(1);
  const claim = outbox.next(moment)!;
  outbox.settle(claim, { kind: 'claimed', token: { epoch: 1, claim: 1 }, previous: new Map() }, moment);
  outbox.add({
    setUid: 'set-a',
    count: 1,
    body: 'x',
    release: () => released++,
    latest: [],
    firstReceived: 1,
    lastReceived: 1,
  });
  const send = outbox.next(moment)!;
  expect(send).toMatchObject({ kind: 'send', call: { n: 1 } });
  meanwhile(outbox);
  outbox.settle(send, { kind: 'written' }, moment);
  expect(outbox.counters.published).toBe(1);
  return released;
}

test('memory of a batch is given back once the sink has accepted it', () => {
  expect(accepted()).toBe(1);
  expect(accepted({ spill })).toBe(1);
});

test('it is not while the batch is on its way to the disk, which reads it still', () => {
  const storing = (outbox: Outbox): void => {
    expect(outbox.spill.toStore(true)?.items).toHaveLength(1);
  };
  expect(accepted({ spill }, storing)).toBe(0);
});

test('what the disk has already is given back as well', () => {
  const stored = (outbox: Outbox): void => {
    const { items } = outbox.spill.toStore(true)!;
    outbox.spill.stored(items, [{ segment: { name: 'segment' }, offset: 0, length: 1 }]);
  };
  expect(accepted({ spill }, stored)).toBe(1);
});

test('what goes to the disk at once grows with what is past the watermark, up to a bound', () => {
  const outbox = new Outbox({
    slice: 'default/slice',
    sliceUid: 's',
    shard: 'shard-0',
    callsInFlight: 3,
    batchesPerCall: 2,
    bytesPerCall: 1000,
    heartbeat: 800,
    maxBytes: 1e9,
    maxBatches: 1e9,
    assemble: (_header, body) => body,
    emptyBody: () => '{}',
    spill: { bytes: 100, batches: 1e9, chunkBytes: 50, released: () => {} },
  });
  outbox.configure([sliceSet('a')]);
  const add = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const body = 'x'.repeat(10);
      outbox.add({ setUid: 'set-a', count: 1, body, latest: [], firstReceived: 1, lastReceived: 1 });
    }
  };
  const stored = (): number | undefined => outbox.spill.toStore(false)?.items.length;
  add(10);
  expect(stored()).toBeUndefined();
  add(1);
  expect(stored()).toBe(5);
  add(19);
  expect(stored()).toBe(20);
  add(1000);
  expect(stored()).toBe(80);
});
