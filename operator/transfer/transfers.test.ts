import { beforeEach, expect, test } from 'vitest';
import { type SliceShardStatus, type SubscriptionSlice, sliceFinalizer } from '../../crds/index.ts';
import { says, sliceOf } from '../handover/handover.testing.ts';
import type { PlannedSlice } from '../planner/types.ts';
import { currentSlices, overlapsOf } from './overlaps.ts';
import { holdDeadline } from './round.ts';
import { Transfers, type TransferWorld } from './transfers.ts';

const set = { namespace: 'desk', name: 'x', uid: 'u', channel: 'ticks:desk:x' } as SubscriptionSlice['spec']['sets'][0];

/** A slice of account `name` that streams tokens for desk/x, and whose owner has reported `generation`. */
function streamed(
  name: string,
  tokens: readonly number[],
  {
    generation = 1,
    joining,
    report = {},
  }: { generation?: number; joining?: number[]; report?: Partial<SliceShardStatus> } = {},
): SubscriptionSlice {
  const groups: SubscriptionSlice['spec']['groups'] =
    tokens.length === 0
      ? []
      : [
          {
            exchange: 'NSE',
            mode: 'quote',
            sets: [0],
            instruments: tokens.map((token) => ({ token, symbol: `T${token}` })),
          },
        ];
  const said = says('a', { observedGeneration: generation, streaming: generation, ...report });
  const slice = sliceOf(
    { account: name, sets: [set], groups, ...(joining === undefined ? {} : { joining }) },
    [said],
    generation,
  );
  return { ...slice, metadata: { ...slice.metadata, name: `${name}-c0`, uid: name, finalizers: [sliceFinalizer] } };
}

function planned(name: string, tokens: readonly number[]): PlannedSlice {
  const groups = tokens.length === 0 ? [] : [{ sets: ['desk/x'], mode: 'quote' as const, tokens: [...tokens] }];
  return { account: `desk/${name}`, connection: 0, groups, rate: 1 };
}

let transfers: Transfers;
let now: number;

beforeEach(() => {
  transfers = new Transfers();
  now = 0;
});

function decide(
  plan: readonly PlannedSlice[],
  slices: readonly SubscriptionSlice[],
  extra: Partial<TransferWorld> = {},
) {
  const room = () => ({ connection: 3, account: Number.POSITIVE_INFINITY });
  const { passages, wait } = transfers.decide({ plan, slices, room, now, liveSince: 0, ...extra });
  const shown = Object.fromEntries(
    [...passages].map(([id, { serving, joining }]) => [id, { serves: [...serving.keys()].sort(), joining }]),
  );
  return { shown, wait };
}

const plan = [planned('a', [1]), planned('b', [2])];

test('an instrument joins the new slice, streams there, leaves the old one, and joins no longer', () => {
  // 1: it is added to b, and stays in a.
  const first = decide(plan, [streamed('a', [1, 2]), streamed('b', [])]);
  expect(first.shown).toEqual({
    'desk/a-c0': { serves: [1, 2], joining: [] },
    'desk/b-c0': { serves: [2], joining: [2] },
  });
  expect(first.wait).toBe(holdDeadline);
  // 2: b's owner has seen it, and does not stream it yet.
  const joins = streamed('b', [2], { generation: 2, joining: [2], report: { streaming: 1 } });
  expect(decide(plan, [streamed('a', [1, 2]), joins]).shown['desk/a-c0']).toEqual({ serves: [1, 2], joining: [] });
  // 3: it does; a later generation of b that does not stream yet changes nothing about that.
  const streams = streamed('b', [2], { generation: 3, joining: [2], report: { streaming: 2 } });
  const third = decide(plan, [streamed('a', [1, 2]), streams]).shown;
  expect(third).toEqual({ 'desk/b-c0': { serves: [2], joining: [2] } });
  // 4: it has left a, whose owner has not said so.
  const leaves = streamed('a', [1], { generation: 2, report: { observedGeneration: 1 } });
  expect(decide(plan, [leaves, streams]).shown).toEqual({ 'desk/b-c0': { serves: [2], joining: [2] } });
  // 5: it has.
  expect(decide(plan, [streamed('a', [1], { generation: 2 }), streams]).shown).toEqual({});
});

test('whoever begins to lead in the middle goes on, and waits for everybody who may have been the old one', () => {
  const streams = streamed('b', [2], { generation: 2, joining: [2] });
  const slow = streamed('c', [3], { generation: 2, report: { observedGeneration: 1 } });
  const three = [...plan, planned('c', [3])];
  const left = streamed('a', [1], { generation: 2 });
  expect(decide(three, [left, streams, slow]).shown).toEqual({ 'desk/b-c0': { serves: [2], joining: [2] } });
  expect(decide(three, [left, streams, streamed('c', [3], { generation: 2 })]).shown).toEqual({});
});

test('a slice that is to go stays until its instruments stream elsewhere, then until its stream has ended', () => {
  const without = [planned('b', [1, 2])];
  const former = streamed('a', [1, 2]);
  expect(decide(without, [former, streamed('b', [])]).shown['desk/a-c0']).toEqual({ serves: [1, 2], joining: [] });
  const streams = streamed('b', [1, 2], { generation: 2, joining: [1, 2] });
  expect(decide(without, [former, streams]).shown).toEqual({ 'desk/b-c0': { serves: [1, 2], joining: [1, 2] } });
  const ending = { ...former, metadata: { ...former.metadata, deletionTimestamp: '2026-01-05T04:00:00Z' } };
  expect(decide(without, [ending, streams]).shown).toEqual({ 'desk/b-c0': { serves: [1, 2], joining: [1, 2] } });
  expect(decide(without, [streams]).shown).toEqual({});
});

test('nothing is held for ever: what does not stream elsewhere in time is given up', () => {
  const joins = streamed('b', [2], { generation: 2, joining: [2], report: { streaming: 1 } });
  const slices = [streamed('a', [1, 2]), joins];
  decide(plan, slices);
  now = holdDeadline - 1;
  expect(decide(plan, slices).shown['desk/a-c0']).toBeDefined();
  now = holdDeadline;
  expect(decide(plan, slices, { liveSince: undefined }).shown['desk/a-c0']).toBeDefined();
  expect(decide(plan, slices, { liveSince: 1 }).wait).toBe(1);
  expect(decide(plan, slices).shown['desk/a-c0']).toBeUndefined();
});

test('nothing is added above a limit: what is new waits for the room of what is held', () => {
  // By the plan a takes 4 and 5 for 2; until 2 has left there is room for one of them.
  const crowded = [planned('a', [1, 4, 5]), planned('b', [2])];
  const { shown } = decide(crowded, [streamed('a', [1, 2]), streamed('b', [])]);
  expect(shown['desk/a-c0']).toEqual({ serves: [1, 2, 4], joining: [] });
  const account = () => ({ connection: 3, account: 2 });
  const tight = decide(crowded, [streamed('a', [1, 2]), streamed('b', [])], { room: account });
  expect(tight.shown['desk/a-c0']?.serves).toEqual([1, 2]);
});

test('what nobody takes up is let go at once', () => {
  expect(decide([planned('a', [1])], [streamed('a', [1, 2])]).shown).toEqual({});
});

test('at rest there is nothing to miss: an owner that has seen it is enough', () => {
  const resting = { phase: 'Resting' as const, streaming: 0 };
  const joins = streamed('b', [2], { generation: 2, joining: [2], report: resting });
  expect(decide(plan, [streamed('a', [1, 2]), joins]).shown['desk/a-c0']).toBeUndefined();
});

test('an instrument that goes on to a third slice leaves the second at once, and the first when it streams', () => {
  const onward = [planned('a', [1]), planned('b', []), planned('c', [2])];
  const joins = streamed('b', [2], { generation: 2, joining: [2] });
  const { shown } = decide(onward, [streamed('a', [1, 2]), joins, streamed('c', [])]);
  expect(shown).toEqual({
    'desk/a-c0': { serves: [1, 2], joining: [] },
    'desk/c-c0': { serves: [2], joining: [2] },
  });
});

test('the planner sees an instrument where it joins, and it is counted where it is', () => {
  const slices = [streamed('a', [1, 2]), streamed('b', [2], { joining: [2] })];
  expect(currentSlices(slices).map(({ groups }) => groups.flatMap(({ tokens }) => tokens))).toEqual([[1], [2]]);
  expect([...overlapsOf(slices)]).toEqual([['b', new Map([['desk/x', 1]])]]);
  expect([...overlapsOf([streamed('a', [1]), slices[1]!])]).toEqual([]);
});
