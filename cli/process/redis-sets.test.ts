import { expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { silentLogger } from '../../runtime/log.ts';
import type { NamedSet } from '../../ticker/sinks/redis/set-names.ts';
import { gatewaySets, RedisSets } from './redis-sets.ts';

const named = (uid: string, name: string, at: number, more: Partial<NamedSet> = {}): NamedSet => ({
  uid,
  namespace: 'desk',
  name,
  at,
  channel: `ticks:desk:${name}`,
  ...more,
});

test('of a set that was made anew, the one that was said last is meant; bars are a part of their set', () => {
  const bars = named('b:bars', 'banks', 9, { kind: 'bars', channel: 'ticks:desk:banks:bars' });
  const quiet: NamedSet = { uid: 'q', namespace: 'desk', name: 'quiet', at: 1 };
  expect(gatewaySets([named('a', 'banks', 1), named('b', 'banks', 2), bars, quiet])).toEqual([
    { namespace: 'desk', name: 'banks', uid: 'b', channel: 'ticks:desk:banks', bars: true },
    { namespace: 'desk', name: 'quiet', uid: 'q', bars: false },
  ]);
});

test('while Redis is away the last ones stay', async () => {
  let away = false;
  const reader = {
    sets: async () => {
      if (away) throw new Error('away');
      return [named('a', 'banks', 1)];
    },
  };
  const sets = new RedisSets(reader, systemClock, silentLogger);
  expect(sets.current).toEqual([]);
  await sets.refresh();
  away = true;
  await expect(sets.refresh()).rejects.toThrow('away');
  expect(sets.current).toMatchObject([{ name: 'banks' }]);
});
