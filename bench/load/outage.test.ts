import { expect, test } from 'vitest';
import { runFault, runPastBound } from './outage.ts';

test('Redis away in mid-flow, then killed with its data: what it lost is named by the headers, and nothing else is missing', {
  timeout: 120_000,
}, async () => {
  const { account } = await runFault('short');
  expect(account).toMatchObject({ notReceived: 0, invalid: 0, lost: 0, dropped: 0, duplicated: 0, disputed: 0 });
  expect(account.lostByRedis).toBeGreaterThan(0);
  expect(account.lostBatches.length).toBeGreaterThan(0);
  expect(account.received + account.lostByRedis).toBe(account.sent);
});

test('past the bound of the spool: dropped is what readers are told, and what they lack', {
  timeout: 120_000,
}, async () => {
  const { account } = await runPastBound('short');
  expect(account).toMatchObject({ notReceived: 0, invalid: 0, lost: 0, lostBatches: [], disputed: 0 });
  expect(account).toMatchObject({ duplicated: 0, repeated: 0 });
  expect(account.dropped).toBeGreaterThan(5_000);
  expect(account.received).toBeGreaterThan(8_000);
  expect(account.told).toBe(account.dropped);
  expect(account.sent - account.received).toBe(account.dropped);
});
