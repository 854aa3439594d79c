import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { group, World } from './shard.testing.ts';

const me = { shard: 'shard-0', uid: 'pod-0' };
const minute = 60_000;
const hour = 60 * minute;
const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'] as const;
const sessions = {
  timezone: 'Asia/Kolkata',
  hours: [
    { exchanges: ['NSE'], days: [...days], open: '10:00', close: '10:30' },
    { exchanges: ['MCX'], days: [...days], open: '10:00', close: '11:00' },
  ],
};
const mcx = { ...group([4, 5]), exchange: 'MCX' };
let world: World;

/** The clock starts at 09:30 on a Monday in Kolkata. */
beforeEach(async () => {
  world = new World();
  await world.reader.follow(world.memory.reader());
  world.login();
});
afterEach(() => world.stop());

describe('a slice outside its sessions', () => {
  test('is claimed and says that it lives, without a connection, and connects before the open', async () => {
    world.put({ owner: me, sessions });
    const shard = await world.start(me);
    await world.run(5_000);
    expect(world.broker.connectAttempts).toBe(0);
    expect(world.broker.logins).toBe(1);
    expect(world.status('shard-0')).toMatchObject({
      phase: 'Resting',
      token: { epoch: 1, claim: 1 },
      subscribed: 0,
      reason: 'SessionClosed',
      message: 'Resting, opens at 2026-01-05 10:00 Asia/Kolkata.',
      account: { credentials: 'Valid', connected: false },
    });
    expect(world.reader.headers.length).toBeGreaterThan(3);
    expect(shard.snapshot().slices[0]).toMatchObject({ phase: 'Resting', sessionOpen: false });
    await world.clock.advance(23 * minute - 10_000);
    expect(world.broker.connectAttempts).toBe(0);
    await world.clock.advance(5 * minute + 10_000);
    expect(world.broker.live).toHaveLength(1);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Streaming', subscribed: 3 });
    await world.run(2 * minute + 1000);
    expect(shard.snapshot().slices[0]).toMatchObject({ sessionOpen: true, ticking: 3 });
    // In time for the open: nothing is missing.
    expect(world.reader.batches.filter(({ gap }) => gap !== undefined)).toEqual([]);
  });

  test('rests after the close, comes back for the next session, and tells no gap', async () => {
    world.put({ owner: me, sessions });
    const shard = await world.start(me);
    await world.clock.advance(30 * minute);
    await world.run(10 * minute, 1000);
    await world.clock.advance(20 * minute + 5_000);
    expect(world.broker.live).toHaveLength(1);
    await world.clock.advance(6_000);
    expect(world.broker.live).toHaveLength(0);
    expect(world.status('shard-0')).toMatchObject({
      phase: 'Resting',
      message: 'Resting, opens at 2026-01-06 10:00 Asia/Kolkata.',
    });
    await world.clock.advance(23 * hour + 28 * minute);
    await world.run(5 * minute, 1000);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Streaming', token: { epoch: 1, claim: 1 } });
    expect(shard.snapshot().slices[0]).toMatchObject({ connections: 2 });
    expect(world.reader.batches.filter(({ gap }) => gap !== undefined)).toEqual([]);
    expect(world.reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0 });
  }, 120_000);

  test('tells the gap from the open where the broker lets it in late', async () => {
    world.put({ owner: me, sessions });
    await world.start(me);
    await world.clock.advance(25 * minute);
    const start = Date.parse('2026-01-05T10:00:00+05:30') * 1000;
    world.broker.validTokens.clear();
    await world.clock.advance(7 * minute);
    world.broker.validTokens.add('good');
    world.login('again');
    world.broker.validTokens.add('again');
    await world.run(5 * minute, 1000);
    const [first] = world.reader.batches;
    expect(first?.gap).toMatchObject({ from: start, why: 'reconnect' });
    expect(first?.gap?.to).toBeGreaterThan(start + 2 * minute * 1000);
  });

  test('goes on while another of its exchanges trades, and doubts nothing of the closed one', async () => {
    world.put({ owner: me, sessions, groups: [group([1, 2, 3]), mcx] });
    await world.start(me);
    await world.clock.advance(30 * minute);
    await world.run(30 * minute, 1000);
    const [connection] = world.broker.live;
    const before = connection!.messages.length;
    // NSE has closed; MCX ticks on.
    for (let i = 0; i < 25 * 60; i++) {
      await world.clock.advance(1000);
      connection!.tick([4, 5]);
    }
    expect(world.broker.live).toEqual([connection]);
    expect(connection!.messages.length).toBe(before);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Streaming' });
    await world.clock.advance(6 * minute);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Resting' });
  }, 120_000);

  test('is not probed or reconnected while it waits for the open', async () => {
    world.put({ owner: me, sessions });
    await world.start(me);
    await world.clock.advance(28 * minute + 2000);
    const [connection] = world.broker.live;
    const before = connection!.messages.length;
    await world.clock.advance(118_000);
    expect(connection!.messages.length).toBe(before);
    expect(world.broker.live).toEqual([connection]);
  });

  test('wakes at once where the calendar is taken away', async () => {
    world.put({ owner: me, sessions });
    await world.start(me);
    await world.run(5_000);
    expect(world.broker.live).toHaveLength(0);
    world.put({ owner: me });
    await world.run(5_000);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Streaming' });
    expect(world.reader.batches.filter(({ gap }) => gap !== undefined)).toEqual([]);
  });

  test('follows every exchange of the calendar where it streams nothing', async () => {
    world.put({ owner: me, sessions, groups: [] });
    await world.start(me);
    await world.clock.advance(65 * minute);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Streaming' });
    await world.clock.advance(30 * minute);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Resting' });
  });

  test('says what is wrong with the login even so', async () => {
    world.login('stale');
    world.put({ owner: me, sessions });
    await world.start(me);
    await world.run(60_000, 1000);
    expect(world.status('shard-0')).toMatchObject({
      phase: 'Resting',
      reason: 'PROVIDER_CREDENTIALS_REFUSED',
      account: { credentials: 'Refused', connected: false },
    });
  });
});
