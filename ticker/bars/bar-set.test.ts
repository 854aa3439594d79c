import { expect, test } from 'vitest';
import { sliceSet } from '../pipeline/ticks.testing.ts';
import { isBarsUid, withBars } from './bar-set.ts';

test('bars are a set of their own beside the set, in JSON whatever its ticks are in', () => {
  const plain = sliceSet('plain');
  const delivery = { ...plain.delivery, format: 'arrow' as const };
  const set = sliceSet('both', { delivery, bars: { intervals: ['1m'], timezone: 'UTC' } });
  const [first, ticks, bars, ...none] = withBars([plain, set]);
  expect(none).toEqual([]);
  expect(first).toBe(plain);
  expect(ticks).toBe(set);
  expect(bars).toMatchObject({
    name: 'both',
    uid: 'uid-both:bars',
    channel: 'ticks:default:both:bars',
    delivery: { format: 'json', maxTicks: 1000 },
  });
  expect([ticks, bars].map((each) => isBarsUid(each?.uid ?? ''))).toEqual([false, true]);
});
