import { describe, expect, it } from 'vitest';
import { type Batch, Tally } from './tally.ts';

const set = 'default/s';
let sealed = 0;
function batch(epoch: number, seq: number, numbers: readonly number[], more: Partial<Batch> = {}): Batch {
  sealed += 100_000;
  return {
    v: 1,
    set,
    slice: 'default/a-0',
    shard: `shard-${epoch}`,
    epoch,
    claim: 1,
    seq,
    count: numbers.length,
    time: sealed,
    columns: { token: numbers.map(() => 7), volume: numbers },
    ...more,
  };
}

describe('what a reader got', () => {
  it('is told by number, with the longest time without a tick', () => {
    const tally = new Tally(1000);
    tally.take(batch(1, 1, [10, 11]), 1000);
    tally.take(batch(1, 2, [12]), 1300);
    tally.take(batch(1, 3, [14]), 1350);
    const report = tally.report(1400);
    expect(report).toMatchObject({ batches: 3, rows: 4, stale: 0, gaps: [] });
    expect(report.instruments).toMatchObject([
      { set, token: 7, longestGap: 300, gapBegan: 1000, live: [10, 13, 14, 15] },
    ]);
    expect(tally.report(2000).instruments).toMatchObject([{ longestGap: 650, gapBegan: 1350 }]);
  });

  it('tells a gap in which the owner changed from one in which it stayed', () => {
    const tally = new Tally(0);
    tally.take(batch(1, 1, [1]), 100);
    tally.take(batch(1, 2, [2]), 350);
    tally.take(batch(2, 1, [3], { prev: { epoch: 1, claim: 1, seq: 2 } }), 500);
    expect(tally.report(560).instruments).toMatchObject([{ longestGap: 250, movingGap: 150, stayingGap: 250 }]);
    expect(tally.report(900).instruments).toMatchObject([{ longestGap: 400, movingGap: 150, stayingGap: 400 }]);
  });

  it('says which slices ended for a set, and what came after that', () => {
    const tally = new Tally(1000);
    tally.take(batch(1, 1, [10], { end: true }), 1000);
    expect(tally.report(1100).ends).toEqual([{ set, slice: 'default/a-0', after: 0 }]);
    tally.take(batch(1, 2, [11]), 1200);
    expect(tally.report(1300).ends).toEqual([{ set, slice: 'default/a-0', after: 1 }]);
    tally.reset(2000);
    expect(tally.report(2000).ends).toEqual([]);
  });

  it('begins anew and still waits for the instruments that it knew', () => {
    const tally = new Tally(1000);
    tally.take(batch(1, 1, [10]), 1000);
    tally.reset(5000);
    expect(tally.report(5200).instruments).toMatchObject([{ token: 7, live: [], longestGap: 200, gapBegan: 5000 }]);
  });

  it('says what is missing, by seq and by what a new token names', () => {
    const tally = new Tally(0);
    tally.take(batch(1, 1, [1]), 0);
    tally.take(batch(1, 3, [3]), 1);
    tally.take(batch(1, 3, []), 2);
    tally.take(batch(2, 1, [5], { prev: { epoch: 1, claim: 1, seq: 3 } }), 3);
    expect(tally.report(4).gaps).toMatchObject([{ why: 'seq' }]);
    tally.take(
      batch(3, 1, [9], { prev: { epoch: 2, claim: 1, seq: 4 }, gap: { from: 1e6, to: 2e6, why: 'newOwner' } }),
      5,
    );
    expect(tally.report(6).gaps.map(({ why }) => why)).toEqual(['seq', 'seq', 'newOwner']);
    expect(tally.report(6).gaps[2]).toMatchObject({ from: 1000, to: 2000 });
    const last = sealed / 1000;
    tally.take(batch(4, 0, []), 7);
    tally.take(
      batch(4, 1, [9], { prev: { epoch: 3, claim: 1, seq: 1 }, gap: { from: 0, to: 9e9, why: 'newOwner' } }),
      7,
    );
    expect(tally.report(8).gaps[3]).toMatchObject({ from: last, to: 9e6 });
  });

  it('drops and counts what an older token sends after a newer one', () => {
    const tally = new Tally(0);
    tally.take(batch(2, 1, [1]), 0);
    tally.take(batch(1, 9, [2]), 1);
    expect(tally.report(2)).toMatchObject({ stale: 1, rows: 1, owners: [{ epoch: 2 }] });
  });

  it('tells marked repeats from others, and knows what only a stream has', () => {
    const tally = new Tally(0);
    tally.take(batch(1, 1, [1, 2]), 0);
    tally.take(batch(2, 1, [2, 3], { overlap: true, prev: { epoch: 1, claim: 1, seq: 1 } }), 1);
    tally.take(batch(2, 2, [3, 2]), 2);
    tally.find(batch(2, 3, [4]), 'stream');
    tally.find(batch(1, 2, [5], { late: true }), 'late');
    expect(tally.report(3).instruments).toMatchObject([
      { live: [1, 4], overlap: [2, 4], stream: [4, 5], late: [5, 6], repeated: 1 },
    ]);
  });
});
