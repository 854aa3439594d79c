import { expect, test } from 'vitest';
import { runDrains, runKills } from './shutdown.ts';

test('SIGTERM under load, once with Redis away: what a shard received is what the reader has, to the tick', {
  timeout: 120_000,
}, async () => {
  const result = await runDrains('short');
  expect(result).toMatchObject({ drains: 2, whileAway: 1, lost: 0, unexpected: 0, duplicated: 0 });
  expect(result).toMatchObject({ dropped: 0, told: 0, unsealed: 0 });
  expect(result.sealed).toBeGreaterThan(0);
  expect(result.received).toBeGreaterThan(result.sealed);
});

test('SIGKILL in mid-flow while Redis is away: what was on disk arrives at the next start, and the rest is told', {
  timeout: 120_000,
}, async () => {
  const result = await runKills('short');
  expect(result).toMatchObject({ kills: 1, lost: 0, duplicated: 0 });
  expect(result.spooled).toBeGreaterThan(1_000);
  expect(result.told).toBeGreaterThanOrEqual(1);
});
