import { expect, test } from 'vitest';
import { Outbox } from './outbox.ts';
import { sliceSet } from './shard.testing.ts';

const spill = { bytes: 1e9, batches: 1e9, chunkBytes: 1e6, released: () => {} };

/** Claims, adds one batch, has it accepted; returns how often its memory was given back. */
function accepted(options: { spill?: typeof spill }): number {
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
    ...options,
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
  outbox.settle(send, { kind: 'written' }, moment);
  expect(outbox.counters.published).toBe(1);
  return released;
}

test('memory of a batch is given back once the sink has accepted it', () => {
  expect(accepted({})).toBe(1);
});

test('with a spool it is not, for a batch may be on its way to the disk still', () => {
  expect(accepted({ spill })).toBe(0);
});
