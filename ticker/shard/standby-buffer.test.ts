import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GatheredBatch } from '../pipeline/gathered-batch.ts';
import { StandbyBuffer } from './standby-buffer.ts';

function batch(id: number, bytes = 10): GatheredBatch {
  return { setUid: 's', count: 1, body: 'x'.repeat(bytes), latest: [], firstReceived: id, lastReceived: id };
}

const idsOf = (buffer: StandbyBuffer): number[] => buffer.take().map(({ firstReceived }) => firstReceived);
const buffer = (bounds = {}): StandbyBuffer =>
  new StandbyBuffer({ maxBytes: 1e9, maxBatches: 1e9, feedSkew: 100, ...bounds }, 'run');

describe('what a successor holds', () => {
  test('is everything since the newest echoed mark, and what came up to the skew before it', () => {
    const standby = buffer();
    standby.begin(0);
    standby.add(batch(1));
    expect(standby.mark(50)).toBeUndefined();
    standby.add(batch(2));
    expect(standby.mark(100)).toBe('run.1');
    standby.add(batch(3));
    expect(standby.mark(200)).toBe('run.2');
    standby.add(batch(4));
    expect(standby.warm).toBe(false);
    expect(standby.echoed('run.2')).toBe(true);
    expect(standby.warm).toBe(true);
    expect([standby.spare, standby.held]).toEqual([2, 2]);
    expect(idsOf(standby)).toEqual([3, 4]);
    expect([standby.warm, standby.held, standby.spare]).toEqual([false, 0, 2]);
  });

  test('an echo of a mark that is not its own, or not remembered, says nothing', () => {
    const standby = buffer();
    standby.begin(0);
    standby.mark(100);
    standby.mark(200);
    for (const other of ['another.1', 'run.9', 'run', '']) expect(standby.echoed(other)).toBe(false);
    expect(standby.echoed('run.2')).toBe(true);
    // An older one, overtaken on its way.
    expect(standby.echoed('run.1')).toBe(false);
    expect(standby.warm).toBe(true);
  });

  test('marks of before a pause say nothing; what is held stays', () => {
    const standby = buffer();
    standby.begin(0);
    standby.add(batch(1));
    const before = standby.mark(100)!;
    standby.pause();
    expect(standby.mark(200)).toBeUndefined();
    standby.begin(300);
    expect(standby.echoed(before)).toBe(false);
    expect(standby.mark(350)).toBeUndefined();
    expect(standby.mark(400)).toBe('run.2');
    expect(idsOf(standby)).toEqual([1]);
  });

  test('past its bound the oldest goes, and it is warm no longer where it reached back to that', () => {
    const standby = buffer({ maxBatches: 3 });
    standby.begin(0);
    const mark = standby.mark(100)!;
    standby.add(batch(1));
    standby.add(batch(2));
    standby.add(batch(3));
    standby.echoed(mark);
    expect(standby.warm).toBe(true);
    standby.mark(200);
    const later = standby.mark(300)!;
    standby.add(batch(4));
    expect(standby.warm).toBe(false);
    expect(standby.spare).toBe(1);
    expect(standby.echoed(later)).toBe(true);
    expect(standby.warm).toBe(true);
    expect(idsOf(standby)).toEqual([4]);
  });

  test('bytes are a bound too; one batch always has room', () => {
    const standby = buffer({ maxBytes: 25 });
    for (const id of [1, 2, 3]) standby.add(batch(id));
    standby.add(batch(4, 1000));
    expect(idsOf(standby)).toEqual([4]);
  });

  test('while it is warm it holds everything from the echoed mark on, whatever happens (law)', () => {
    const act = fc.oneof(
      { weight: 5, arbitrary: fc.constant('add') },
      { weight: 3, arbitrary: fc.constant('mark') },
      { weight: 2, arbitrary: fc.constant('echo') },
      { weight: 1, arbitrary: fc.constantFrom('pause', 'begin', 'clear') },
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 80 }), fc.integer({ min: 1, max: 12 }), (acts, maxBatches) => {
        const standby = buffer({ maxBatches, feedSkew: 30 });
        const marks = new Map<string, number>();
        let [now, id, echoed, added] = [0, 0, 0, 0];
        standby.begin(now);
        for (const what of acts) {
          now += 10;
          if (what === 'add') {
            standby.add(batch(++id));
            added++;
          } else if (what === 'mark') {
            const mark = standby.mark(now);
            if (mark !== undefined) marks.set(mark, id);
          } else if (what === 'echo') {
            const known = [...marks].at(Math.floor(marks.size / 2));
            if (known !== undefined && standby.echoed(known[0])) echoed = known[1];
          } else if (what === 'pause') standby.pause();
          else if (what === 'begin') standby.begin(now);
          else standby.clear();
          expect(standby.held + standby.spare).toBe(added);
        }
        const { warm } = standby;
        const held = idsOf(standby);
        if (warm) for (let each = echoed + 1; each <= id; each++) expect(held).toContain(each);
      }),
      { numRuns: 300 },
    );
  });
});
