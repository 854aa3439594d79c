import { expect, test } from 'vitest';
import { pod, says, shardsOf, sliceOf } from '../handover/handover.testing.ts';
import { keptRefusals, pruneOperations } from './prune.ts';

const removed = (operations: ReturnType<typeof pruneOperations>) =>
  operations.filter(({ op }) => op === 'remove').map(({ path }) => path);

test('entries of pods that are gone go, each guarded by what it is', () => {
  const slice = sliceOf({}, [says('gone'), says('a'), { ...says('a'), uid: 'former' }, says('b')]);
  const operations = pruneOperations(slice, shardsOf({ a: 'ready', b: 'ready' }));
  expect(operations).toEqual([
    { op: 'test', path: '/status/shards/2/shard', value: 'a' },
    { op: 'test', path: '/status/shards/2/uid', value: 'former' },
    { op: 'remove', path: '/status/shards/2' },
    { op: 'test', path: '/status/shards/0/shard', value: 'gone' },
    { op: 'test', path: '/status/shards/0/uid', value: 'gone-uid' },
    { op: 'remove', path: '/status/shards/0' },
  ]);
});

test('an owner and its successor keep theirs, though their pods are gone', () => {
  const slice = sliceOf({ next: pod('b') }, [says('a'), says('b')]);
  expect(pruneOperations(slice, shardsOf({}))).toEqual([]);
});

test('of former owners that live the newest are kept, so that the list never fills up', () => {
  const names = ['c', 'd', 'e', 'f', 'g'];
  const refused = names.map((name, n) => says(name, { phase: 'Refused', beatenBy: { epoch: n + 2, claim: 1 } }));
  const slice = sliceOf({}, [says('a'), ...refused.map(({ token: _, ...rest }) => rest)]);
  const shards = shardsOf(Object.fromEntries(['a', ...names].map((name) => [name, 'ready'])));
  expect(names.length - keptRefusals).toBe(2);
  expect(removed(pruneOperations(slice, shards))).toEqual(['/status/shards/2', '/status/shards/1']);
  expect(removed(pruneOperations(sliceOf({}, [says('a'), says('b')]), shardsOf({ a: 'ready', b: 'ready' })))).toEqual(
    [],
  );
});
