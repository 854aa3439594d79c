import { describe, expect, test } from 'vitest';
import { silentLogger } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import { alice, Fixture, type Loose } from './contract/fixtures.ts';
import { conflict, unavailable } from './errors.ts';
import { type EventFault, type Faults, FaultyCluster } from './faulty-cluster.ts';
import { Informer, type InformerOptions } from './informer.ts';
import { MemoryCluster, type MemoryClusterOptions } from './memory/memory-cluster.ts';
import { instrumentSets } from './resources.ts';
import type { Change } from './store.ts';

interface SetUpOptions {
  memory?: Partial<MemoryClusterOptions>;
  informer?: Partial<InformerOptions<Loose>>;
  faults?: (clock: VirtualClock) => Faults;
}

function setUp(options: SetUpOptions = {}) {
  const clock = new VirtualClock();
  const random = new SeededRandom(1);
  const memory = new MemoryCluster({ clock, random, ...options.memory });
  const faulty = new FaultyCluster(memory, clock, options.faults?.(clock));
  const informer = new Informer<Loose>({
    cluster: faulty,
    clock,
    random,
    log: silentLogger,
    resource: instrumentSets,
    ...options.informer,
  });
  const seen: string[] = [];
  const record = (change: Change<Loose>): void => {
    seen.push(`${change.type} ${change.object.metadata.name}`);
  };
  informer.onChange(record);
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  const fixture = new Fixture({ cluster: memory, stop: async () => {} });
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  /** The informer has what the cluster has. */
  const converged = async (): Promise<void> => {
    const there = (await memory.list<Loose>(instrumentSets)).items;
    const byName = (a: Loose, b: Loose): number => (a.metadata.name < b.metadata.name ? -1 : 1);
    expect([...informer.list()].sort(byName)).toEqual([...there].sort(byName));
  };
  return { clock, memory, faulty, informer, seen, fixture, end, converged, signal: stop.signal };
}

describe('informer', () => {
  test('syncs, follows, and finds by name, namespace and index', async () => {
    const indexers = { mode: (set: Loose) => [String(set.spec?.['mode'])] };
    const { clock, memory, informer, seen, fixture, end, signal } = setUp({ informer: { indexers } });
    expect(informer.hasSynced).toBe(false);
    const set = fixture.set({ name: 'a' });
    await memory.apply(instrumentSets, set, alice);
    await clock.advance(10);
    expect(await informer.waitForSync(signal)).toBe(true);
    expect(informer.byIndex('mode', 'quote').map(({ metadata }) => metadata.name)).toEqual(['a']);
    await memory.apply(instrumentSets, fixture.set({ name: 'a', spec: { mode: 'ltp' } }), alice);
    await memory.apply(instrumentSets, fixture.set({ name: 'b' }), alice);
    await clock.advance(10);
    expect(informer.byIndex('mode', 'ltp').map(({ metadata }) => metadata.name)).toEqual(['a']);
    expect(informer.list('default')).toHaveLength(2);
    expect(informer.list('elsewhere')).toEqual([]);
    await memory.delete(instrumentSets, set.metadata);
    await clock.advance(10);
    expect(informer.get(set.metadata)).toBeUndefined();
    expect(informer.byIndex('mode', 'ltp')).toEqual([]);
    expect(seen).toEqual(['ADDED a', 'MODIFIED a', 'ADDED b', 'DELETED a']);
    await end();
    expect(clock.pending).toBe(0);
    expect(memory.watches).toBe(0);
  });

  test('a handler that comes late gets what is there; one that throws hinders nobody and is counted', async () => {
    const { clock, memory, informer, seen, fixture, end } = setUp();
    const late: string[] = [];
    informer.onChange(() => {
      throw new Error('broken');
    });
    await memory.apply(instrumentSets, fixture.set({ name: 'a' }), alice);
    await clock.advance(10);
    const cancel = informer.onChange(({ type, object }) => late.push(`${type} ${object.metadata.name}`));
    await memory.apply(instrumentSets, fixture.set({ name: 'b' }), alice);
    await clock.advance(10);
    cancel();
    await memory.apply(instrumentSets, fixture.set({ name: 'c' }), alice);
    await clock.advance(10);
    expect(late).toEqual(['ADDED a', 'ADDED b']);
    expect(seen).toEqual(['ADDED a', 'ADDED b', 'ADDED c']);
    expect(informer.handlerFailures).toBe(3);
    await end();
  });

  test('waitForSync says false when it is given up', async () => {
    const { informer, clock, end } = setUp({ faults: () => ({ refuse: () => unavailable('down') }) });
    const stop = new AbortController();
    const waiting = informer.waitForSync(stop.signal);
    await clock.advance(1_000);
    stop.abort();
    expect(await waiting).toBe(false);
    await end();
  });

  test('one more object than it may hold ends it, with what to do', async () => {
    const { clock, memory, informer, fixture, signal } = setUp();
    const small = new Informer<Loose>({
      cluster: memory,
      clock,
      random: new SeededRandom(1),
      log: silentLogger,
      resource: instrumentSets,
      maxObjects: 1,
    });
    await memory.apply(instrumentSets, fixture.set(), alice);
    await memory.apply(instrumentSets, fixture.set(), alice);
    await expect(small.run(signal)).rejects.toMatchObject({ code: 'CACHE_FULL', persistence: 'terminal' });
    expect(informer.hasSynced).toBe(true);
  });
});

describe('reflector', () => {
  test('retries a failing list with growing waits, and then syncs', async () => {
    const times: number[] = [];
    const faults = (clock: VirtualClock): Faults => ({
      refuse: () => (times.push(clock.monotonic()) <= 5 ? unavailable('no route') : undefined),
    });
    const { clock, informer, end } = setUp({ faults });
    await clock.advance(200);
    expect(informer.hasSynced).toBe(false);
    await clock.advance(10_000);
    expect(informer.hasSynced).toBe(true);
    expect(times[5]! - times[4]!).toBeGreaterThan(4 * (times[1]! - times[0]!));
    expect(informer.failures).toBe(5);
    await end();
  });

  test('a watch that breaks goes on from its version, without a list', async () => {
    const { clock, memory, faulty, seen, fixture, end, converged } = setUp();
    await clock.advance(10);
    let broken = 0;
    faulty.faults = {
      event: () => (broken++ === 1 ? { fail: unavailable('reset') } : undefined),
      refuse: ({ verb }) => (verb === 'list' ? conflict('no list is wanted') : undefined),
    };
    for (const name of ['a', 'b', 'c']) await memory.apply(instrumentSets, fixture.set({ name }), alice);
    await clock.advance(1_000);
    expect(seen).toEqual(['ADDED a', 'ADDED b', 'ADDED c']);
    await converged();
    await end();
  });

  test('an expired version is listed anew; one created anew in the gap is deleted, then added', async () => {
    const { clock, memory, faulty, informer, seen, fixture, end, converged } = setUp();
    await memory.apply(instrumentSets, fixture.set({ name: 'same' }), alice);
    await memory.apply(instrumentSets, fixture.set({ name: 'gone' }), alice);
    await memory.apply(instrumentSets, fixture.set({ name: 'kept' }), alice);
    await clock.advance(10);
    seen.length = 0;
    // The connection is down while things happen, and what happened is forgotten.
    faulty.faults = { event: () => ({ fail: unavailable('reset') }), refuse: () => unavailable('down') };
    await memory.delete(instrumentSets, { namespace: 'default', name: 'gone' });
    await memory.delete(instrumentSets, { namespace: 'default', name: 'same' });
    await memory.apply(instrumentSets, fixture.set({ name: 'same' }), alice);
    await clock.advance(1_000);
    memory.compact();
    faulty.faults = {};
    await clock.advance(20_000);
    expect(seen).toEqual(['DELETED same', 'DELETED gone', 'ADDED same']);
    expect(informer.failures).toBeGreaterThan(1);
    await converged();
    await end();
  });

  test('a watch gone silent is opened anew', async () => {
    const { clock, memory, faulty, informer, fixture, end, converged } = setUp({ informer: { idleTimeout: 5_000 } });
    await clock.advance(10);
    let stalled = false;
    faulty.faults = {
      event: () => {
        if (stalled) return undefined;
        stalled = true;
        return 'stall';
      },
    };
    await memory.apply(instrumentSets, fixture.set(), alice);
    await clock.advance(4_000);
    expect(informer.list()).toEqual([]);
    expect(informer.lastEventAge).toBeGreaterThan(3_900);
    await clock.advance(3_000);
    await converged();
    expect(memory.watches).toBe(1);
    await end();
  });

  test('a server that closes watches is asked again, from where it was, and never in a spin', async () => {
    const { clock, memory, informer, fixture, seen, end } = setUp({ memory: { watchLife: 500 } });
    for (let index = 0; index < 10; index++) {
      await memory.apply(instrumentSets, fixture.set({ name: `s${index}` }), alice);
      await clock.advance(1_000);
    }
    expect(seen).toHaveLength(10);
    expect(informer.failures).toBe(0);
    await end();
  });

  test('events that come twice, late or never: it converges on what is there', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new SeededRandom(seed);
      const { clock, memory, faulty, fixture, end, converged } = setUp({ memory: { history: 20 } });
      const faults: (EventFault | undefined)[] = [
        'duplicate',
        { delay: 700 },
        { fail: unavailable('reset') },
        undefined,
      ];
      faulty.faults = {
        event: () => faults[random.integer(faults.length)],
        refuse: () => (random.next() < 0.2 ? unavailable('flaky') : undefined),
      };
      for (let step = 0; step < 60; step++) {
        const name = `n${random.integer(5)}`;
        const mode = ['ltp', 'quote', 'full'][random.integer(3)]!;
        if (random.next() < 0.3) await memory.delete(instrumentSets, { namespace: 'default', name }).catch(() => {});
        else await memory.apply(instrumentSets, fixture.set({ name, spec: { mode } }), alice);
        await clock.advance(random.integer(300));
      }
      faulty.faults = {};
      await clock.advance(60_000);
      await converged();
      await end();
    }
  });
});
