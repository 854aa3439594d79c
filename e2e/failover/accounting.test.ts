import { describe, expect, it } from 'vitest';
import type { InstrumentReport, ReaderReport } from '../reader/report.ts';
import { account } from './accounting.ts';

const midnight = Date.UTC(2026, 10, 25);
const options = { rate: 50, margin: 0 };
/** Ten seconds from midnight: numbers 0 to 499. */
function report(instrument: Partial<InstrumentReport>, more: Partial<ReaderReport> = {}): ReaderReport {
  const ranges = { live: [], overlap: [], stream: [], late: [] };
  const whole = {
    set: 'default/s',
    token: 7,
    longestGap: 100,
    gapBegan: 0,
    gapSealed: 0,
    movingGap: 0,
    stayingGap: 0,
    repeated: 0,
    numbered: true,
    ...ranges,
    ...instrument,
  };
  const counts = { batches: 1, rows: 1, stale: 0 };
  return {
    since: midnight,
    now: midnight + 10_000,
    ...counts,
    instruments: [whole],
    gaps: [],
    owners: [],
    ends: [],
    ...more,
  };
}

describe('every tick is accounted for', () => {
  it('once, by the best that is known of it', () => {
    const { made, live, overlap, stream, late, gap, untold } = account(
      report(
        { live: [0, 100], overlap: [50, 150], stream: [0, 160], late: [150, 170] },
        { gaps: [{ set: 'default/s', slice: 'a', from: midnight + 3400, to: midnight + 5000, why: 'newOwner' }] },
      ),
      options,
    );
    expect({ made, live, overlap, stream, late }).toEqual({ made: 500, live: 100, overlap: 50, stream: 10, late: 10 });
    // 170 to 249 were told of, and a few more by the slack.
    expect(gap).toBeGreaterThanOrEqual(80);
    expect(gap).toBeLessThan(90);
    expect(live + overlap + stream + late + gap + untold).toBe(made);
  });

  it('a gap that another set was told of tells nothing', () => {
    const gaps = [{ set: 'default/other', slice: 'a', from: midnight, to: midnight + 10_000, why: 'seq' as const }];
    expect(account(report({ live: [0, 400] }, { gaps }), options)).toMatchObject({ gap: 0, untold: 100 });
  });

  it('a new owner that does not know since when speaks of all since the last tick of each instrument', () => {
    const missing = { live: [0, 100, 150, 151, 300, 500] };
    const gap = { set: 'default/s', slice: 'a', from: midnight + 3400, to: midnight + 6000, why: 'newOwner' as const };
    expect(account(report(missing, { gaps: [gap] }), options).untold).toBeGreaterThan(50);
    // What was missing before a tick that came is not spoken of.
    expect(account(report(missing, { gaps: [{ ...gap, open: true }] }), options)).toMatchObject({
      gap: 149,
      untold: 50,
    });
  });

  it('says how long an owner and the next were apart, and how long instruments waited in a move and in none', () => {
    const owner = (slice: string, epoch: number, first: number, last: number) => ({
      ...{ slice, shard: `shard-${epoch}`, epoch, claim: 1 },
      ...{ first: midnight + first, last: midnight + last },
    });
    const owners = [
      owner('a', 1, 0, 1000),
      owner('b', 1, 0, 9000),
      owner('a', 2, 1080, 5000),
      owner('a', 3, 5010, 9000),
    ];
    const all = { live: [0, 500], longestGap: 300, stayingGap: 300 };
    expect(account(report({ ...all, movingGap: 120 }, { owners }), options)).toMatchObject({
      between: 80,
      moving: 120,
      calm: 300,
    });
    expect(account(report(all), options)).toMatchObject({ between: 0, moving: 0, calm: 300 });
  });

  it('leaves out sets that are not looked at: the reader may know one that is gone', () => {
    const gone = report({ live: [0, 1], longestGap: 10_000 });
    expect(account(gone, { ...options, sets: ['default/other'] })).toMatchObject({ made: 0, untold: 0, longestGap: 0 });
    expect(account(gone, { ...options, sets: ['default/s'] })).toMatchObject({ made: 500, untold: 499 });
  });

  it('leaves out what is on its way at both ends, and names the worst instrument', () => {
    expect(account(report({ live: [50, 450], longestGap: 777 }), { rate: 50, margin: 1000 })).toMatchObject({
      made: 400,
      live: 400,
      untold: 0,
      longestGap: 777,
      worst: 'default/s 7',
    });
  });
});
