import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Backlog, type HeldBatch } from './backlog.ts';
import { sliceSet } from './shard.testing.ts';

function held(set: string, at: number, count = 1): HeldBatch {
  const batch = { setUid: `set-${set}`, count, body: '{}', latest: [], firstReceived: at, lastReceived: at };
  return { id: at, batch, set: sliceSet(set), bytes: 2, gap: undefined, mayRepeat: false };
}

test('the next batch of a set tells what was dropped before it, and no other set does', () => {
  const backlog = new Backlog();
  for (const each of [held('a', 1, 5), held('b', 2), held('a', 3)]) backlog.push(each);
  backlog.drop();
  expect(backlog.shift()).toMatchObject({ set: { name: 'b' }, gap: undefined });
  expect(backlog.shift()).toMatchObject({ set: { name: 'a' }, gap: { from: 1, to: 1, why: 'spool', ticks: 5 } });
});

test('what was dropped while older batches were out stays named after them when they come back', () => {
  const backlog = new Backlog();
  for (const each of [held('a', 1), held('a', 2, 7), held('a', 3)]) backlog.push(each);
  const out = backlog.shift()!;
  backlog.drop();
  backlog.unshift([out]);
  expect(backlog.shift()).toMatchObject({ batch: { firstReceived: 1 }, gap: undefined });
  expect(backlog.shift()).toMatchObject({ batch: { firstReceived: 3 }, gap: { from: 2, to: 2, ticks: 7 } });
});

test('the same when nothing of the set is left behind them: the next one that is added tells it', () => {
  const backlog = new Backlog();
  for (const each of [held('a', 1), held('a', 2, 7)]) backlog.push(each);
  const out = backlog.shift()!;
  backlog.drop();
  backlog.unshift([out]);
  backlog.push(held('a', 9));
  expect(backlog.shift()).toMatchObject({ batch: { firstReceived: 1 }, gap: undefined });
  expect(backlog.shift()).toMatchObject({ batch: { firstReceived: 9 }, gap: { ticks: 7 } });
});

test('a gap of a batch that is dropped is told with it', () => {
  const backlog = new Backlog();
  backlog.announce('set-a', { from: 1, to: 4, why: 'reconnect' });
  for (const each of [held('a', 5, 3), held('a', 6)]) backlog.push(each);
  backlog.drop();
  expect(backlog.shift()).toMatchObject({ gap: { from: 1, to: 5, why: 'spool', ticks: 3 } });
});

test('what was taken is not held on to', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const backlog = new Backlog();
  const taken: WeakRef<HeldBatch>[] = [];
  for (let at = 1; at <= 40; at++) backlog.push(held('a', at));
  for (let at = 1; at <= 30; at++) taken.push(new WeakRef(backlog.shift()!));
  // What a weak reference named in this very turn stays until the next.
  await new Promise(setImmediate);
  collect();
  expect(taken.filter((each) => each.deref() !== undefined)).toEqual([]);
  expect(backlog.length).toBe(10);
});
