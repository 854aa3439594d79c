import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countRanges, historyRanges, istTime, maxDays } from './history-ranges.ts';

const day = 86_400_000;
const intervals = Object.keys(maxDays) as (keyof typeof maxDays)[];
const parse = (time: string): number => Date.parse(`${time.replace(' ', 'T')}+05:30`);

describe('historyRanges', () => {
  it('covers every second once, in order, with no call longer than allowed', () => {
    const seconds = fc.integer({ min: 1_500_000_000, max: 1_800_000_000 });
    fc.assert(
      fc.property(
        fc.constantFrom(...intervals),
        seconds,
        fc.integer({ min: 0, max: 300_000_000 }),
        (interval, start, length) => {
          const request = { interval, from: start * 1000, to: (start + length) * 1000 };
          const ranges = [...historyRanges(request)].map(({ from, to }) => [parse(from), parse(to)] as const);
          expect(ranges).toHaveLength(countRanges(request));
          expect(ranges[0]![0]).toBe(request.from);
          expect(ranges.at(-1)![1]).toBe(request.to);
          for (const [n, [from, to]] of ranges.entries()) {
            expect(to - from).toBeLessThan(maxDays[interval] * day);
            if (n > 0) expect(from).toBe(ranges[n - 1]![1] + 1000);
          }
        },
      ),
    );
  });

  it('asks nothing for an empty range', () => {
    const request = { interval: 'minute', from: 2000, to: 1000 } as const;
    expect([...historyRanges(request)]).toEqual([]);
    expect(countRanges(request)).toBe(0);
  });

  it('speaks Indian time', () => {
    expect(istTime(Date.UTC(2026, 0, 5, 3, 45))).toBe('2026-01-05 09:15:00');
    expect(istTime(Date.UTC(2025, 11, 31, 20, 0))).toBe('2026-01-01 01:30:00');
  });
});
