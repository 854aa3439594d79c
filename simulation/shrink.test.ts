import { expect, test } from 'vitest';
import { mutations } from './mutations.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';

test('leaves the strikes that it takes, and no other', async () => {
  const ids = Array.from({ length: 60 }, (_, index) => index + 1);
  const shrunk = await shrink({ seed: 1 }, async ({ strikes }) => {
    const struck = ids.filter((id) => strikes?.has(id) ?? true);
    const fails = struck.includes(7) && struck.includes(40);
    const violations = fails ? [`at ${struck.length}.5 s: slice desk/a-c0: lost`] : ['at 1 s: something else'];
    return { strikes: struck.map((id) => ({ id, at: id, fault: 'x' })), violations };
  });
  expect(shrunk?.strikes).toEqual([7, 40]);
  expect(shrunk?.runs).toBeLessThan(60);
});

test('a run that does not fail is not shrunk', async () => {
  expect(await shrink({ seed: 1 }, async () => ({ strikes: [], violations: [] }))).toBeUndefined();
});

test('a real failure is shrunk to a few strikes, which bring it about again', { timeout: 900_000 }, async () => {
  const mutation = mutations.find(({ name }) => name === 'the sink skips the fence');
  if (mutation === undefined) throw new Error('there is no such mutation');
  for (let seed = 1; seed <= 8; seed++) {
    const whole = await simulate({ seed, mutation, stopAtFirst: true });
    if (whole.violations.length === 0) continue;
    const shrunk = await shrink({ seed, mutation });
    if (shrunk === undefined) throw new Error('the same run did not fail again');
    expect(shrunk.strikes.length).toBeLessThanOrEqual(6);
    const again = await simulate({ seed, mutation, strikes: new Set(shrunk.strikes), stopAtFirst: true });
    expect(again.violations).toContain(shrunk.violation);
    return;
  }
  expect.fail('no seed fails');
});
