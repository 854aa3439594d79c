import { describe, expect, test } from 'vitest';
import { decide, type Situation } from './decide.ts';
import { pod, says, shardsOf, situation, sliceOf } from './handover.testing.ts';
import { failureMemory, firstDeadline, type HandoverMemory } from './memory.ts';

const draining = shardsOf({ a: 'draining', b: 'ready' });
const three = shardsOf({ a: 'draining', b: 'ready', c: 'ready' });

/** The step is seen, and then again `later` milliseconds after, with nothing changed. */
function later(first: Situation, milliseconds: number) {
  const { memory } = decide(first);
  return decide({ ...first, memory, now: first.now + milliseconds });
}

function warming(change: Partial<Situation> = {}, next = 'b'): Situation {
  return situation({ slice: sliceOf({ next: pod(next) }), wanted: pod(next), shards: draining, ...change });
}

describe('settled', () => {
  test('a slice with its wanted owner is left alone', () => {
    const step = decide(situation());
    expect(step).toMatchObject({ changed: false });
    expect(step.wait).toBeUndefined();
  });

  test('another wanted: a successor warms up, and the owner and its epoch stay', () => {
    const { naming, memory } = decide(situation({ wanted: pod('b'), shards: draining }));
    expect(naming).toEqual({ owner: pod('a'), next: pod('b'), epoch: 1, handover: undefined });
    expect(memory.move?.kind).toBe('planned');
  });

  test('without a connection to spare the owner closes first, in the write that names another', () => {
    const { naming } = decide(situation({ wanted: pod('b'), shards: draining, spare: 0 }));
    expect(naming).toEqual({ owner: pod('b'), next: undefined, epoch: 2, handover: 'closeFirst' });
  });

  test('while another handover of the account has the connection, it waits for that', () => {
    expect(decide(situation({ wanted: pod('b'), spare: 0, busy: true })).changed).toBe(false);
  });

  test('at rest a successor needs no connection', () => {
    const slice = sliceOf({}, [says('a', { phase: 'Resting' })]);
    expect(decide(situation({ slice, wanted: pod('b'), spare: 0 })).naming.next).toEqual(pod('b'));
  });

  test('a suspended slice has nothing to warm', () => {
    const slice = sliceOf({ suspended: true }, [says('a', { phase: 'Suspended' })]);
    expect(decide(situation({ slice, wanted: pod('b') })).naming).toMatchObject({ owner: pod('b'), epoch: 2 });
  });

  test('`closeFirst` is cleared once the owner has claimed', () => {
    const slice = sliceOf({ handover: 'closeFirst', epoch: 2 }, [says('a', { token: { epoch: 2, claim: 1 } })]);
    const { naming } = decide(situation({ slice }));
    expect(naming).toEqual({ owner: pod('a'), next: undefined, epoch: 2, handover: undefined });
  });

  test('the next handover waits for the claim of the last', () => {
    const slice = sliceOf({ epoch: 2 }, [says('a')]);
    expect(decide(situation({ slice, wanted: pod('b') }))).toMatchObject({ changed: false });
  });
});

describe('a successor', () => {
  test('is named once it is warm for the generation of today, in one write that changes nothing else', () => {
    const warm = says('b', { phase: 'Warm', observedGeneration: 2 });
    const slice = sliceOf({ next: pod('b') }, [says('a'), warm], 2);
    const step = decide(warming({ slice }));
    expect(step.naming).toEqual({ owner: pod('b'), next: undefined, epoch: 2, handover: undefined });
    expect(step.frozen).toBe(true);
  });

  test('warm for a former generation is not warm', () => {
    const slice = sliceOf({ next: pod('b') }, [says('a'), says('b', { phase: 'Warm' })], 2);
    expect(decide(warming({ slice }))).toMatchObject({ changed: false });
  });

  test('that is not warm in time is replaced by another, and the next one may take twice as long', () => {
    const first = warming({ shards: three });
    expect(later(first, firstDeadline - 1).changed).toBe(false);
    const step = later(first, firstDeadline);
    expect(step.naming.next).toEqual(pod('c'));
    expect(step.ended).toEqual({ kind: 'planned', result: 'failed', took: firstDeadline });
    const slice = sliceOf({ next: pod('c') });
    const second = decide({ ...first, slice, memory: step.memory, now: 20_000 });
    expect(second.wait).toBe(2 * firstDeadline);
  });

  test('with nobody else to try is cleared, and tried again after a rest', () => {
    const shards = shardsOf({ a: 'ready', b: 'ready' });
    const step = later(warming({ shards }), firstDeadline);
    expect(step.naming).toMatchObject({ owner: pod('a'), next: undefined, epoch: 1 });
    const cleared = warming({ shards, slice: sliceOf(), memory: step.memory, now: 11_001 });
    const rest = decide(cleared);
    expect(rest).toMatchObject({ changed: false, wait: 2 * firstDeadline - 1 });
    const again = decide({ ...cleared, memory: rest.memory, now: 11_001 + 2 * firstDeadline });
    expect(again.naming.next).toEqual(pod('b'));
  });

  test('that stands in for one that cannot take it is kept, and has a deadline', () => {
    const first = warming({ shards: shardsOf({ a: 'draining', b: 'ready', c: 'suspect' }), wanted: pod('c') });
    expect(decide(first)).toMatchObject({ changed: false, wait: firstDeadline });
    expect(decide(first).ended).toBeUndefined();
    expect(later(first, firstDeadline).ended?.result).toBe('failed');
  });

  test('of an owner that leaves goes on trying where there is nobody else, and it says that it failed', () => {
    const first = warming();
    const step = later(first, firstDeadline);
    expect(step).toMatchObject({
      changed: false,
      wait: 2 * firstDeadline,
      ended: { kind: 'planned', result: 'failed' },
    });
    expect(step.naming.next).toEqual(pod('b'));
    const warm = sliceOf({ next: pod('b') }, [says('a'), says('b', { phase: 'Warm' })]);
    const named = decide({ ...first, slice: warm, memory: step.memory, now: 15_000 });
    expect(named.naming).toMatchObject({ owner: pod('b'), epoch: 2 });
  });

  test('is told why: what it said itself', () => {
    const slice = sliceOf({ next: pod('b') }, [says('a'), says('b', { phase: 'Warming', message: 'the broker: 403' })]);
    expect(later(warming({ slice }), firstDeadline).memory.failures[0]?.why).toBe('the broker: 403');
  });

  test('that dies is replaced at once', () => {
    const shards = shardsOf({ a: 'draining', b: 'suspect', c: 'ready' });
    expect(decide(warming({ shards, wanted: pod('c') })).naming.next).toEqual(pod('c'));
  });

  test('that is not wanted any more is cancelled, and counted as that', () => {
    const step = decide(warming({ shards: shardsOf({ a: 'ready', b: 'ready' }), wanted: pod('a') }));
    expect(step.naming.next).toBeUndefined();
    expect(step.ended?.result).toBe('cancelled');
  });

  test('of a healthy owner is not replaced by just anybody', () => {
    const shards = shardsOf({ a: 'ready', b: 'ready', c: 'ready' });
    expect(later(warming({ shards }), firstDeadline).naming.next).toBeUndefined();
  });

  test('is waited for only while the own watch is live, and anew after an outage', () => {
    const first = warming();
    const { memory } = decide(first);
    expect(decide({ ...first, memory, now: 60_000, liveSince: undefined }).changed).toBe(false);
    expect(decide({ ...first, memory, now: 60_000, liveSince: 55_000 }).wait).toBe(5_000);
  });
});

describe('a dead owner', () => {
  test.each(['suspect', 'vanished'])('that is %s is replaced at once, without a successor that warms up', (how) => {
    const shards = how === 'suspect' ? shardsOf({ a: 'suspect', b: 'ready' }) : shardsOf({ b: 'ready' });
    const step = decide(situation({ shards, wanted: pod('b') }));
    expect(step.naming).toEqual({ owner: pod('b'), next: undefined, epoch: 2, handover: undefined });
    expect(step).toMatchObject({ died: true, frozen: false });
  });

  test('is followed by the successor that warms up already', () => {
    const shards = shardsOf({ a: 'suspect', b: 'ready', c: 'ready' });
    expect(decide(warming({ shards, wanted: pod('c') })).naming).toMatchObject({ owner: pod('b'), epoch: 2 });
  });

  test('stays named while nobody can take over', () => {
    expect(decide(situation({ shards: shardsOf({ a: 'suspect' }) })).changed).toBe(false);
    const slice = sliceOf({ next: pod('b') });
    const { naming } = decide(situation({ slice, shards: shardsOf({ a: 'suspect' }) }));
    expect(naming).toMatchObject({ owner: pod('a'), next: undefined, epoch: 1 });
  });

  test('makes room, should it still live, where the account has no connection to spare', () => {
    const step = decide(situation({ shards: shardsOf({ b: 'ready' }), wanted: pod('b'), spare: 0 }));
    expect(step.naming.handover).toBe('closeFirst');
  });
});

describe('a successor that never warms up', () => {
  const shards = shardsOf({ a: 'ready', b: 'ready' });
  const failed = later(warming({ shards }), firstDeadline);
  const failedAt = failed.memory.failures[0]?.at ?? 0;

  test('gets longer each time, though the plan asks for something else in between', () => {
    const { memory } = decide(situation({ shards, wanted: pod('a'), memory: failed.memory, now: failedAt + 5_000 }));
    const again = situation({ shards, wanted: pod('b'), memory, now: failedAt + 2 * firstDeadline - 1 });
    expect(decide(again)).toMatchObject({ changed: false, wait: 1 });
    expect(decide({ ...again, now: failedAt + 2 * firstDeadline }).naming.next).toEqual(pod('b'));
  });

  test('is forgotten once a move has come right, and after a while', () => {
    const moving: HandoverMemory = { ...failed.memory, move: { kind: 'planned', since: failedAt } };
    const right = decide(situation({ shards, wanted: pod('a'), memory: moving, now: failedAt + 5_000 }));
    expect(right).toMatchObject({ ended: { result: 'completed' }, memory: { missed: 0 } });
    const later = situation({ shards, wanted: pod('a'), memory: failed.memory, now: failedAt + failureMemory });
    expect(decide(later).memory).toMatchObject({ missed: 0, failures: [] });
  });
});

describe('an owner that has not claimed', () => {
  const unclaimed = sliceOf({ owner: pod('b'), epoch: 2 }, [says('a'), says('b', { token: { epoch: 1, claim: 1 } })]);
  const waiting = situation({ slice: unclaimed, wanted: pod('b') });

  test('is suspected for this slice alone after the deadline: who had it before gets it back', () => {
    expect(later(waiting, firstDeadline - 1).changed).toBe(false);
    const step = later(waiting, firstDeadline);
    expect(step.naming).toMatchObject({ owner: pod('a'), epoch: 3 });
    expect(step.ended).toMatchObject({ kind: 'takeover', result: 'failed' });
  });

  test('given back in the way of a close-first handover', () => {
    const slice = { ...unclaimed, spec: { ...unclaimed.spec, handover: 'closeFirst' as const } };
    expect(later({ ...waiting, slice }, firstDeadline).naming).toMatchObject({
      owner: pod('a'),
      handover: 'closeFirst',
    });
  });

  test('and failed is tried last', () => {
    const memory: HandoverMemory = {
      step: 'claiming 3 a/a-uid',
      since: 0,
      missed: 1,
      failures: [{ shard: pod('b'), at: 0, why: '' }],
      move: undefined,
    };
    const slice = sliceOf({ owner: pod('a'), epoch: 3 }, []);
    const shards = shardsOf({ a: 'ready', b: 'ready', c: 'ready' });
    expect(decide(situation({ slice, shards, wanted: pod('b'), memory, now: 20_000 })).naming.owner).toEqual(pod('c'));
  });

  test('for want of a valid login is left: no other shard would do better', () => {
    expect(later({ ...waiting, excused: true }, 10 * firstDeadline).changed).toBe(false);
  });

  test('and is about to leave is not waited for', () => {
    const shards = shardsOf({ a: 'ready', b: 'draining' });
    expect(decide({ ...waiting, shards, wanted: pod('a') }).wait).toBe(1_000);
    expect(later({ ...waiting, shards, wanted: pod('a') }, 1_000).naming).toMatchObject({ owner: pod('a'), epoch: 3 });
  });

  test('for want of a valid login moves at once where the plan has it elsewhere: nothing can be missed', () => {
    const excused = { ...waiting, wanted: pod('a'), excused: true };
    expect(decide(excused).naming).toMatchObject({ owner: pod('a'), epoch: 3 });
    expect(decide(situation({ wanted: pod('b'), excused: true })).naming).toMatchObject({ owner: pod('b'), epoch: 2 });
    expect(decide(warming({ excused: true })).naming).toMatchObject({ owner: pod('b'), next: undefined, epoch: 2 });
  });

  test('is left where there is no other', () => {
    expect(later({ ...waiting, shards: shardsOf({ b: 'ready' }) }, firstDeadline)).toMatchObject({ changed: false });
  });

  test('when it claims, the handover is done', () => {
    const { memory } = decide(waiting);
    const slice = sliceOf({ owner: pod('b'), epoch: 2 }, [says('b', { token: { epoch: 2, claim: 1 } })]);
    expect(decide({ ...waiting, slice, memory, now: 2_500 }).ended).toEqual({
      kind: 'takeover',
      result: 'completed',
      took: 1_500,
    });
  });
});

describe('an owner that the sink refused', () => {
  const refused = sliceOf({}, [says('a', { phase: 'Refused', beatenBy: { epoch: 7, claim: 2 } })]);

  test('is named anew, above the token that beat it', () => {
    expect(decide(situation({ slice: refused })).naming).toMatchObject({ owner: pod('a'), epoch: 8 });
  });

  test('makes way for the wanted one', () => {
    const step = decide(situation({ slice: refused, wanted: pod('b') }));
    expect(step.naming).toMatchObject({ owner: pod('b'), epoch: 8 });
  });
});

test('a slice without an owner gets one as soon as a shard is ready', () => {
  const slice = { ...sliceOf(), spec: { ...sliceOf().spec, owner: undefined } };
  expect(decide(situation({ slice, wanted: pod('b') })).naming).toMatchObject({ owner: pod('b'), epoch: 2 });
  expect(decide(situation({ slice, wanted: undefined })).changed).toBe(false);
});
