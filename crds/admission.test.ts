import { describe, expect, it } from 'vitest';
import { admissionCorpus, set, slice } from './admission.corpus.ts';
import { admit, describeFieldError } from './admission.ts';

describe('admit', () => {
  it.each(
    admissionCorpus.map((entry) => [entry.refused === undefined ? 'accepts' : 'refuses', entry.name, entry] as const),
  )('%s %s', (_verdict, _name, { object, old, refused }) => {
    const stored = old === undefined ? undefined : admit(old.kind, old).object;
    const before = JSON.stringify(object);
    const { errors } = admit(object.kind, object, stored);
    const said = errors.map(describeFieldError);
    if (refused === undefined) expect(said).toEqual([]);
    else expect(said).toContainEqual(expect.stringMatching(refused));
    expect(JSON.stringify(object)).toBe(before);
    expect(said.join()).not.toMatch(/hunter2/i);
  });

  it('fills in defaults, and those of what was defaulted', () => {
    const { object } = admit('InstrumentSet', set());
    expect(object.spec).toEqual({
      instruments: ['NSE:RELIANCE'],
      mode: 'quote',
      validation: { action: 'enforce' },
      delivery: {
        ...{ format: 'json', pubsub: true, sharded: false, latest: true, window: 100, maxTicks: 1000, conflate: false },
      },
      redundancy: 1,
    });
  });

  it('admits what it has defaulted, unchanged', () => {
    for (const { object, old, refused } of admissionCorpus) {
      if (refused !== undefined) continue;
      const once = admit(object.kind, object, old).object;
      expect(admit(once.kind, once, old)).toEqual({ object: once, errors: [] });
    }
  });

  it('is not deceived by names of object prototypes', () => {
    const spec = JSON.parse('{"instruments":["NSE:INFY"],"constructor":{},"__proto__":{"mode":"x"}}');
    const errors = admit('InstrumentSet', set(spec)).errors.map((error) => error.path);
    expect(errors).toContain('spec.constructor');
  });

  it('bounds what it says', () => {
    const instruments = Array.from({ length: 500 }, () => 'bad');
    const { errors } = admit('InstrumentSet', set({ instruments }));
    expect(errors.length).toBe(51);
    expect(errors.at(-1)?.message).toBe('and 949 more');
  });

  it('names the kinds where the kind is unknown', () => {
    const [error] = admit('InstrumentSets', set()).errors;
    expect(error).toEqual({ path: 'kind', message: 'unknown kind `InstrumentSets`; did you mean `InstrumentSet`?' });
  });
});

/** A slice as large as the design allows: 3,000 options with long names, of three sets. */
function fullSlice(): ReturnType<typeof slice> {
  const instruments = Array.from({ length: 3000 }, (_, index) => ({
    token: 10_000_000 + index,
    symbol: `BANKNIFTY26NOV${50_000 + index}CE`,
    strike: 50_000 + index,
    type: 'CE',
  }));
  const shared = { exchange: 'NFO', mode: 'full', expiry: '2026-11-26', underlying: 260_105 };
  const groups = [
    { ...shared, sets: [0, 1, 2], instruments: instruments.slice(0, 1000) },
    { ...shared, sets: [0], instruments: instruments.slice(1000) },
  ];
  const sets = ['one', 'two', 'three'].map((name) => ({
    ...{ namespace: 'default', name, uid: '2b1d0a34-8f5e-4bb5-9d58-6f2f1f6f9f01', channel: `ticks:default:${name}` },
    greeks: {},
  }));
  // As many holidays as a calendar may have.
  const holidays = Array.from({ length: 366 }, (_, day) => ({
    date: new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 10),
    exchanges: ['NFO'],
  }));
  const hours = [{ exchanges: ['NFO'], days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'], open: '09:15', close: '15:30' }];
  const sessions = { timezone: 'Asia/Kolkata', hours, holidays };
  return slice({ sets, groups, sessions, owner: { shard: 'ticker-0', uid: '2b1d0a34-8f5e-4bb5-9d58-6f2f1f6f9f01' } });
}

describe('a slice of 3,000 options', () => {
  it('takes at most 256 KiB, with managed fields', () => {
    const { object } = admit('SubscriptionSlice', fullSlice());
    const leaves = ['account', 'connection', 'epoch', 'groups', 'sessions', 'sets', 'suspended'];
    const fieldsV1 = Object.fromEntries(leaves.map((name) => [`f:${name}`, {}]));
    const managed = {
      ...{ manager: 'ticker-operator', operation: 'Apply', apiVersion: object.apiVersion, fieldsType: 'FieldsV1' },
      ...{ time: '2026-01-05T03:45:00Z', fieldsV1: { 'f:spec': fieldsV1 } },
    };
    const stored = { ...object, metadata: { ...object.metadata, managedFields: [managed, managed] } };
    expect(JSON.stringify(stored).length).toBeLessThan(256 * 1024);
  });

  it('is admitted, as an update, for little more than what it takes to copy it', () => {
    const object = fullSlice();
    expect(admit('SubscriptionSlice', object, object).errors).toEqual([]);
    // Copying is the peer: both are as slow as the machine is just now.
    const ratio = fastest(() => admit('SubscriptionSlice', object, object)) / fastest(() => structuredClone(object));
    expect(ratio).toBeLessThan(40);
  });
});

function fastest(run: () => unknown): number {
  const times = Array.from({ length: 9 }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return Math.min(...times);
}
