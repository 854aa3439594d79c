import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SliceShardStatus, SubscriptionSlice } from '../crds/index.ts';
import { makeAccount } from './controllers/objects.testing.ts';
import { sliceSessions } from './controllers/slice-sessions.ts';
import { OperatorRig, symbolsOf } from './operator.testing.ts';

const sessions = {
  timezone: 'Asia/Kolkata',
  hours: [
    { exchanges: ['NSE', 'NFO'], days: ['Mon', 'Tue'], open: '09:15', close: '15:30' },
    { exchanges: ['MCX'], days: ['Mon', 'Tue'], open: '09:00', close: '23:30' },
  ],
  holidays: [{ date: '2026-01-26', name: 'Republic Day' }],
};
const message = 'Resting, opens at 2026-01-06 09:15 Asia/Kolkata.';
let rig: OperatorRig;

beforeEach(() => {
  rig = new OperatorRig();
});
afterEach(() => rig.stop());

function resting(credentials: 'Valid' | 'Refused' = 'Valid') {
  return (slice: SubscriptionSlice): Partial<SliceShardStatus> => ({
    phase: 'Resting',
    subscribed: 0,
    reason: 'SessionClosed',
    message,
    ...(slice.spec.connection === 0 ? { account: { credentials, connected: false } } : {}),
  });
}

test('a slice carries the part of the calendar that it needs', async () => {
  rig.shard('shard-0');
  await rig.account('a', { sessions });
  await rig.set('equities', { instruments: ['NSE:INFY'] });
  await rig.start();
  expect((await rig.slice('a-c0')).spec.sessions).toEqual({
    timezone: 'Asia/Kolkata',
    hours: [{ exchanges: ['NSE'], days: ['Mon', 'Tue'], open: '09:15', close: '15:30' }],
    holidays: [{ date: '2026-01-26' }],
  });
});

test('a slice without instruments carries the whole calendar; one of exchanges that it does not name, none', () => {
  const { spec } = makeAccount('desk', 'a', { sessions });
  const group = { exchange: 'CDS', mode: 'ltp' as const, sets: [], instruments: [] };
  expect(sliceSessions(spec.sessions, [])).toEqual({ ...sessions, holidays: [{ date: '2026-01-26' }] });
  expect(sliceSessions(spec.sessions, [group])).toBeUndefined();
  expect(sliceSessions(undefined, [])).toBeUndefined();
});

test('at rest everything is ready, and says so', async () => {
  rig.shard('shard-0').report = resting();
  await rig.account('a', { sessions });
  await rig.set('equities', { instruments: ['NSE:INFY', 'NSE:TCS'] });
  await rig.start();
  const account = await rig.getAccount('a');
  expect(rig.condition(account, 'Connected')).toBe('False Resting');
  expect(account.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Connected', message }));
  expect(rig.condition(account, 'CredentialsValid')).toBe('True LoginSucceeded');
  expect(rig.condition(account, 'Ready')).toBe('True Resting');
  const set = await rig.getSet('equities');
  expect(rig.condition(set, 'Streaming')).toBe('True Resting');
  expect(rig.condition(set, 'Ready')).toBe('True Resting');
  expect(set.status).toMatchObject({ scheduled: 2, streaming: 0 });
  expect(set.status?.conditions?.[0]?.message).toBe(`2 instruments at rest: ${message}`);
  const about = (await rig.events()).filter(({ reason }) => reason === 'Resting');
  expect(about.length).toBeGreaterThan(0);
  expect(about.every(({ type }) => type === 'Normal')).toBe(true);
});

test('a set is ready no longer where a shard at rest has died', async () => {
  const shard = rig.shard('shard-0');
  shard.report = resting();
  await rig.account('a', { sessions });
  await rig.set('equities', { instruments: ['NSE:INFY'] });
  await rig.start();
  shard.alive = false;
  await rig.clock.advance(20_000);
  expect(rig.condition(await rig.getSet('equities'), 'Ready')).toMatch(/^False/);
});

test('a token that expired overnight moves nothing until the account should connect', async () => {
  const shard = rig.shard('shard-0');
  await rig.account('a', { sessions });
  await rig.set('equities', { instruments: ['NSE:INFY', 'NSE:TCS'] });
  await rig.start();
  await rig.account('b');
  await rig.clock.advance(5_000);
  expect(symbolsOf(await rig.slice('a-c0'))).toEqual(['INFY', 'TCS']);
  shard.report = (slice) => (slice.spec.account === 'a' ? resting('Refused')(slice) : {});
  await rig.clock.advance(120_000);
  expect(symbolsOf(await rig.slice('a-c0'))).toEqual(['INFY', 'TCS']);
  expect(rig.condition(await rig.getAccount('a'), 'CredentialsValid')).toBe('False CredentialsRefused');
  shard.report = (slice) =>
    slice.spec.account === 'a'
      ? { phase: 'Failed', subscribed: 0, account: { credentials: 'Refused', connected: false } }
      : {};
  await rig.clock.advance(5_000);
  expect(symbolsOf(await rig.slice('b-c0'))).toEqual(['INFY', 'TCS']);
});
