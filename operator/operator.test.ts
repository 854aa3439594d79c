import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { instrumentSets, subscriptionSlices, tickerAccounts } from '../cluster/resources.ts';
import { OperatorRig, symbolsOf } from './operator.testing.ts';

let rig: OperatorRig;

beforeEach(() => {
  rig = new OperatorRig();
});

afterEach(async () => {
  await rig.stop();
});

const chain = { mode: 'full', greeks: {}, optionChains: [{ underlying: 'NSE:NIFTY 50', strikes: { aroundMoney: 2 } }] };

describe('from nothing to streaming', () => {
  test('an account gets its first slice, and a set is resolved, scheduled and streamed', async () => {
    rig.shard('shard-0');
    await rig.account('a');
    await rig.set('equities', { instruments: ['NSE:INFY', 'NSE:TCS'] });
    await rig.start();
    const slice = await rig.slice('a-c0');
    expect(symbolsOf(slice)).toEqual(['INFY', 'TCS']);
    expect(slice.spec).toMatchObject({
      account: 'a',
      epoch: 1,
      owner: { shard: 'shard-0' },
      sets: [{ namespace: 'desk', name: 'equities', channel: 'ticks:desk:equities' }],
    });
    const set = await rig.getSet('equities');
    for (const type of ['Ready', 'Resolved', 'Scheduled', 'Streaming'])
      expect(rig.condition(set, type)).toMatch(/^True/);
    expect(set.status).toMatchObject({ requested: 2, resolved: 2, scheduled: 2, streaming: 2, slices: 1 });
    const account = await rig.getAccount('a');
    for (const type of ['Ready', 'CredentialsValid', 'Connected'])
      expect(rig.condition(account, type)).toMatch(/^True/);
    expect(account.status).toMatchObject({ shard: 'shard-0', instruments: 2, capacity: 9000, slices: 1 });
    expect(rig.operator.snapshot()?.coverage).toEqual({ unowned: 0, doubleOwned: 0 });
  });

  test('a chain follows the price, and the underlying comes with it', async () => {
    rig.shard('shard-0');
    await rig.account('a');
    await rig.set('weekly', chain);
    await rig.start();
    expect(symbolsOf(await rig.slice('a-c0'))).toContain('NIFTY26010823900CE');
    expect(symbolsOf(await rig.slice('a-c0'))).toHaveLength(11);
    const [group] = (await rig.slice('a-c0')).spec.groups.filter(({ expiry }) => expiry !== undefined);
    expect(group).toMatchObject({ exchange: 'NFO', mode: 'full', expiry: '2026-01-08', underlying: 256265 });
    const before = await rig.slice('a-c0');
    rig.marketData.prices.set(256265, 24_030);
    await rig.clock.advance(3000);
    expect((await rig.slice('a-c0')).metadata.generation).toBe(before.metadata.generation);
    rig.marketData.prices.set(256265, 24_100);
    await rig.clock.advance(3000);
    const moved = await rig.slice('a-c0');
    expect(symbolsOf(moved)).toContain('NIFTY26010824200CE');
    expect(symbolsOf(moved)).not.toContain('NIFTY26010823900CE');
    expect(moved.spec.epoch).toBe(before.spec.epoch);
  });

  test('nothing is written once everything is as it should be, and a restart writes nothing either', async () => {
    rig.shard('shard-0');
    rig.shard('shard-1');
    await rig.account('a');
    await rig.account('b');
    await rig.set('weekly', chain);
    await rig.set('equities', { instruments: ['NSE:INFY', 'NSE:NOSUCH'] });
    await rig.start();
    const versions = async () =>
      [
        ...(await rig.slices()),
        await rig.getSet('weekly'),
        await rig.getSet('equities'),
        await rig.getAccount('a'),
      ].map(({ metadata }) => metadata.resourceVersion);
    const before = await versions();
    await rig.clock.advance(40_000);
    expect(await versions()).toEqual(before);
    const specs = (await rig.slices()).map(({ spec }) => spec);
    // The first price that the new operator sees is off the centre, but within the former one's hysteresis.
    rig.marketData.prices.set(256265, 24_030);
    await rig.restart();
    expect((await rig.slices()).map(({ spec }) => spec)).toEqual(specs);
  });

  test('shards that start together share the accounts', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await rig.account(name);
    rig.shard('shard-0');
    await rig.clock.advance(300);
    rig.shard('shard-1');
    await rig.start();
    const owners = (await rig.slices()).map(({ spec }) => spec.owner?.shard).sort();
    expect(owners).toEqual(['shard-0', 'shard-0', 'shard-1', 'shard-1']);
  });
});

describe('what people are told', () => {
  test('unknown symbols, and that the rest goes on', async () => {
    rig.shard('shard-0');
    await rig.account('a');
    await rig.set('equities', { instruments: ['NSE:INFY', 'NSE:RELIANC'] });
    await rig.start();
    const set = await rig.getSet('equities');
    expect(rig.condition(set, 'Resolved')).toBe('False UnknownInstrument');
    expect(rig.condition(set, 'Streaming')).toMatch(/^True/);
    expect(set.status?.problems?.[0]?.message).toContain('did you mean NSE:RELIANCE?');
    expect(symbolsOf(await rig.slice('a-c0'))).toEqual(['INFY']);
    const warnings = (await rig.events()).filter(({ type }) => type === 'Warning');
    expect(warnings.some(({ message }) => message.includes('NSE:RELIANC'))).toBe(true);
  });

  test('more than fits', async () => {
    rig.shard('shard-0');
    await rig.account('a', { limits: { connections: 1, instrumentsPerConnection: 2 } });
    await rig.set('equities', { instruments: ['NSE:INFY', 'NSE:TCS', 'NSE:RELIANCE'] });
    await rig.start();
    const set = await rig.getSet('equities');
    const scheduled = set.status?.conditions?.find(({ type }) => type === 'Scheduled');
    expect(scheduled).toMatchObject({
      status: 'False',
      reason: 'NoCapacity',
      message: '1 of 3 instruments have no capacity: raise spec.limits or add a TickerAccount',
    });
    expect(set.status).toMatchObject({ scheduled: 2, streaming: 2 });
    await rig.account('b');
    await rig.clock.advance(3000);
    expect(rig.condition(await rig.getSet('equities'), 'Ready')).toMatch(/^True/);
    expect(symbolsOf(await rig.slice('a-c0'))).toHaveLength(2);
  });

  test('an unknown provider, no account, no shard, and a channel that is taken', async () => {
    await rig.account('a', { provider: 'nope' });
    await rig.set('first', { instruments: ['NSE:INFY'], delivery: { channel: 'x' } });
    await rig.clock.advance(2000);
    await rig.set('second', { instruments: ['NSE:TCS'], delivery: { channel: 'x' } });
    await rig.set('lonely', { instruments: ['NSE:TCS'] }, 'elsewhere');
    await rig.start();
    expect(rig.condition(await rig.getAccount('a'), 'Ready')).toBe('False UnknownProvider');
    expect(rig.condition(await rig.getSet('first'), 'Resolved')).toBe('Unknown NoUsableAccount');
    expect(rig.condition(await rig.getSet('second'), 'Ready')).toBe('False ChannelTaken');
    expect(rig.condition(await rig.getSet('lonely', 'elsewhere'), 'Resolved')).toBe('False NoAccount');
    await rig.account('b');
    await rig.clock.advance(3000);
    expect(rig.condition(await rig.getAccount('b'), 'Ready')).toBe('False NoShard');
    rig.shard('shard-0');
    await rig.clock.advance(5000);
    expect(rig.condition(await rig.getSet('first'), 'Ready')).toMatch(/^True/);
    await rig.cluster.delete(instrumentSets, { namespace: 'desk', name: 'first' });
    await rig.clock.advance(3000);
    expect(rig.condition(await rig.getSet('second'), 'Ready')).toMatch(/^True/);
    expect(symbolsOf(await rig.slice('b-c0'))).toEqual(['TCS']);
  });

  test('credentials that are refused: instruments move after a grace, and new ones are not placed there', async () => {
    const shard = rig.shard('shard-0');
    await rig.account('a');
    await rig.set('equities', { instruments: ['NSE:INFY'] });
    await rig.start();
    await rig.account('b');
    await rig.clock.advance(3000);
    shard.report = ({ spec }) =>
      spec.account === 'a'
        ? { phase: 'Failed', subscribed: 0, account: { credentials: 'Refused', connected: false } }
        : {};
    await rig.clock.advance(5000);
    const account = await rig.getAccount('a');
    expect(rig.condition(account, 'CredentialsValid')).toBe('False CredentialsRefused');
    expect(account.status?.conditions?.[0]?.message).toContain('put a fresh access token into Secret desk/a-login');
    expect(symbolsOf(await rig.slice('a-c0'))).toEqual(['INFY']);
    expect(rig.condition(await rig.getSet('equities'), 'Streaming')).toBe('False NotStreaming');
    await rig.clock.advance(31_000);
    expect(symbolsOf(await rig.slice('a-c0'))).toEqual([]);
    expect(symbolsOf(await rig.slice('b-c0'))).toEqual(['INFY']);
    expect(rig.condition(await rig.getSet('equities'), 'Ready')).toMatch(/^True/);
  });

  test('a sink that cannot be reached: the set is not Ready, says why, and is written once', async () => {
    const shard = rig.shard('shard-0');
    await rig.account('a');
    await rig.set('equities', { instruments: ['NSE:INFY'] });
    await rig.start();
    const reason = 'SINK_UNAVAILABLE';
    shard.report = () => ({ reason, message: 'The sink cannot be reached; ticks are kept, up to the bound.' });
    await rig.clock.advance(3000);
    const set = await rig.getSet('equities');
    expect(rig.condition(set, 'Streaming')).toBe('False SinkUnavailable');
    expect(rig.condition(set, 'Ready')).toBe('False SinkUnavailable');
    expect(set.status?.conditions?.[0]?.message).toContain('1 of 1 instrument subscribed; slice a-c0 on shard shard-0');
    await rig.clock.advance(30_000);
    expect((await rig.getSet('equities')).metadata.resourceVersion).toBe(set.metadata.resourceVersion);
    shard.report = () => ({});
    await rig.clock.advance(3000);
    expect(rig.condition(await rig.getSet('equities'), 'Ready')).toMatch(/^True/);
  });
});

describe('ownership', () => {
  test('a shard that stops renewing is replaced with a higher epoch, and only its accounts move', async () => {
    const first = rig.shard('shard-0');
    rig.shard('shard-1');
    for (const name of ['a', 'b']) await rig.account(name);
    await rig.set('equities', { instruments: ['NSE:INFY', 'NSE:TCS'] });
    await rig.start();
    const before = await rig.slices();
    const lost = before.find(({ spec }) => spec.owner?.shard === 'shard-0')!;
    const other = before.find(({ spec }) => spec.owner?.shard === 'shard-1')!;
    first.alive = false;
    await rig.clock.advance(2500);
    expect((await rig.slice(lost.metadata.name)).spec.owner?.shard).toBe('shard-0');
    await rig.clock.advance(2500);
    const moved = await rig.slice(lost.metadata.name);
    expect(moved.spec.owner?.shard).toBe('shard-1');
    expect(moved.spec.epoch).toBe(lost.spec.epoch + 1);
    expect(moved.spec.groups).toEqual(lost.spec.groups);
    expect((await rig.slice(other.metadata.name)).spec).toEqual(other.spec);
    // It comes back: nothing moves again.
    first.alive = true;
    await rig.clock.advance(5000);
    expect((await rig.slice(lost.metadata.name)).spec).toEqual(moved.spec);
    expect(rig.operator.snapshot()?.coverage).toEqual({ unowned: 0, doubleOwned: 0 });
  });

  test('without another shard a suspect owner stays named, and people are told', async () => {
    const only = rig.shard('shard-0');
    await rig.account('a');
    await rig.start();
    only.alive = false;
    await rig.clock.advance(6000);
    const slice = await rig.slice('a-c0');
    expect(slice.spec).toMatchObject({ epoch: 1, owner: { shard: 'shard-0' } });
    expect(rig.condition(await rig.getAccount('a'), 'Ready')).toBe('False ShardNotResponding');
    expect(rig.operator.snapshot()?.coverage.unowned).toBe(1);
  });

  test('a draining shard gives its accounts to others', async () => {
    const first = rig.shard('shard-0');
    await rig.account('a');
    await rig.start();
    rig.shard('shard-1');
    first.draining = true;
    await rig.clock.advance(3000);
    expect((await rig.slice('a-c0')).spec).toMatchObject({ epoch: 2, owner: { shard: 'shard-1' } });
  });

  test('a pod of the same name with another UID is another shard', async () => {
    const first = rig.shard('shard-0', 'old');
    await rig.account('a');
    await rig.start();
    await first.stop();
    rig.shard('shard-0', 'new');
    await rig.clock.advance(3000);
    expect((await rig.slice('a-c0')).spec).toMatchObject({ epoch: 2, owner: { shard: 'shard-0', uid: 'new' } });
  });

  test('an owner that the sink refused is named anew above the token that beat it, once', async () => {
    const shard = rig.shard('shard-0');
    await rig.account('a');
    await rig.start();
    shard.report = ({ spec }) =>
      spec.epoch < 8 ? { phase: 'Refused', subscribed: 0, beatenBy: { epoch: 7, claim: 2 } } : {};
    await rig.clock.advance(3000);
    expect((await rig.slice('a-c0')).spec).toMatchObject({ epoch: 8, owner: { shard: 'shard-0' } });
    shard.report = () => ({ phase: 'Refused', subscribed: 0, beatenBy: { epoch: 7, claim: 2 } });
    await rig.clock.advance(3000);
    expect((await rig.slice('a-c0')).spec.epoch).toBe(8);
  });
});

describe('going away', () => {
  test('a deleted set leaves the slices, a deleted account its instruments to others', async () => {
    rig.shard('shard-0');
    await rig.account('a');
    await rig.set('equities', { instruments: ['NSE:INFY'] });
    await rig.set('banks', { instruments: ['NSE:HDFCBANK'] });
    await rig.start();
    await rig.cluster.delete(instrumentSets, { namespace: 'desk', name: 'banks' });
    await rig.clock.advance(2000);
    const slice = await rig.slice('a-c0');
    expect(symbolsOf(slice)).toEqual(['INFY']);
    expect(slice.spec.sets.map(({ name }) => name)).toEqual(['equities']);
    await rig.account('b');
    await rig.clock.advance(2000);
    await rig.cluster.delete(tickerAccounts, { namespace: 'desk', name: 'a' });
    await rig.clock.advance(3000);
    expect((await rig.slices()).map(({ metadata }) => metadata.name)).toEqual(['b-c0']);
    expect(symbolsOf(await rig.slice('b-c0'))).toEqual(['INFY']);
  });

  test('a suspended account keeps its slice, emptied, and its instruments move', async () => {
    rig.shard('shard-0');
    await rig.account('a');
    await rig.set('equities', { instruments: ['NSE:INFY'] });
    await rig.start();
    await rig.account('b');
    await rig.clock.advance(2000);
    await rig.account('a', { suspended: true });
    await rig.clock.advance(3000);
    expect((await rig.slice('a-c0')).spec).toMatchObject({ suspended: true, groups: [], sets: [] });
    expect(symbolsOf(await rig.slice('b-c0'))).toEqual(['INFY']);
    expect(rig.condition(await rig.getAccount('a'), 'Ready')).toBe('False Suspended');
  });

  test('a slice whose owner is gone is handed to another shard to end, after ten seconds', async () => {
    const first = rig.shard('shard-0');
    await rig.account('a');
    await rig.start();
    first.alive = false;
    await rig.cluster.delete(tickerAccounts, { namespace: 'desk', name: 'a' });
    await rig.clock.advance(8000);
    expect(await rig.slices()).toHaveLength(1);
    const second = rig.shard('shard-1');
    await rig.clock.advance(8000);
    expect(await rig.slices()).toEqual([]);
    expect(second.identity.shard).toBe('shard-1');
  });

  test('without any shard it is let go', async () => {
    const only = rig.shard('shard-0');
    await rig.account('a');
    await rig.start();
    only.alive = false;
    await rig.cluster.delete(tickerAccounts, { namespace: 'desk', name: 'a' });
    await rig.clock.advance(16_000);
    expect((await rig.cluster.list(subscriptionSlices)).items).toEqual([]);
  });
});

test('while the master cannot be had nothing that is placed is given up', async () => {
  rig.shard('shard-0');
  await rig.account('a');
  await rig.set('weekly', chain);
  await rig.set('equities', { instruments: ['NSE:INFY'] });
  await rig.start();
  const before = (await rig.slice('a-c0')).spec;
  rig.marketData.failing = true;
  await rig.restart();
  await rig.clock.advance(10_000);
  expect((await rig.slice('a-c0')).spec).toEqual(before);
  expect(rig.condition(await rig.getSet('weekly'), 'Resolved')).toBe('Unknown InstrumentMasterUnavailable');
  rig.marketData.failing = false;
  await rig.clock.advance(60_000);
  expect((await rig.slice('a-c0')).spec).toEqual(before);
  expect(rig.condition(await rig.getSet('weekly'), 'Ready')).toMatch(/^True/);
});
