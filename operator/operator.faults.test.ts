import { expect, test } from 'vitest';
import type { Cluster } from '../cluster/cluster.ts';
import { conflict, unavailable } from '../cluster/errors.ts';
import { SeededRandom } from '../runtime/random.ts';
import { OperatorRig, symbolsOf } from './operator.testing.ts';

const chain = { mode: 'full', optionChains: [{ underlying: 'NSE:NIFTY 50', strikes: { aroundMoney: 3 } }] };

/** Every third write, by chance, fails: before it takes effect, or after, so that the writer does not know. */
function unreliable(cluster: Cluster, seed: number): Cluster {
  const random = new SeededRandom(seed);
  const flaky = async <T>(write: () => Promise<T>): Promise<T> => {
    const fate = random.integer(9);
    if (fate === 0) throw unavailable('injected, before');
    if (fate === 1) throw conflict('injected');
    const result = await write();
    if (fate === 2) throw unavailable('injected, after');
    return result;
  };
  return {
    get: (...args) => cluster.get(...args),
    list: (...args) => cluster.list(...args),
    watch: (...args) => cluster.watch(...args),
    create: (...args) => flaky(() => cluster.create(...args)),
    replace: (...args) => flaky(() => cluster.replace(...args)),
    apply: (...args) => flaky(() => cluster.apply(...args)),
    applyStatus: (...args) => flaky(() => cluster.applyStatus(...args)),
    patch: (...args) => flaky(() => cluster.patch(...args)),
    delete: (...args) => flaky(() => cluster.delete(...args)),
  };
}

async function converge(seed: number | undefined): Promise<unknown> {
  const rig = new OperatorRig(seed === undefined ? undefined : (cluster) => unreliable(cluster, seed));
  rig.shard('shard-0');
  rig.shard('shard-1');
  for (const name of ['a', 'b']) await rig.account(name, { limits: { connections: 2, instrumentsPerConnection: 8 } });
  await rig.set('weekly', chain);
  await rig.set('equities', { instruments: ['NSE:INFY', 'NSE:TCS', 'NSE:NIFTY 50'] });
  await rig.start(30_000);
  await rig.set('equities', { instruments: ['NSE:INFY', 'NSE:RELIANCE'] });
  rig.marketData.prices.set(256265, 24_260);
  await rig.clock.advance(120_000);
  const symbols = (await rig.slices()).flatMap(symbolsOf);
  const state = {
    streamed: [...new Set(symbols)].sort(),
    ready: [rig.condition(await rig.getSet('weekly'), 'Ready'), rig.condition(await rig.getSet('equities'), 'Ready')],
  };
  await rig.stop();
  return state;
}

test('writes that fail, conflict or succeed unnoticed: everything is placed and streamed in the end', async () => {
  const ready = ['True AllStreaming', 'True AllStreaming'];
  const undisturbed = await converge(undefined);
  expect(undisturbed).toMatchObject({ ready });
  for (const seed of [1, 2, 3]) expect(await converge(seed)).toEqual(undisturbed);
}, 120_000);

test('while every write conflicts, for its watch has gone silent, the operator does not write in a loop', async () => {
  let refused = 0;
  let silent = false;
  const rig = new OperatorRig((cluster) => ({
    ...unreliable(cluster, 1),
    create: (...args) => cluster.create(...args),
    replace: (...args) => cluster.replace(...args),
    applyStatus: (...args) => cluster.applyStatus(...args),
    patch: (...args) => cluster.patch(...args),
    delete: (...args) => cluster.delete(...args),
    apply: (resource, ...args) => {
      if (!silent || resource.kind !== 'SubscriptionSlice') return cluster.apply(resource, ...args);
      refused++;
      return Promise.reject(conflict('the object has been modified'));
    },
  }));
  rig.shard('shard-0');
  await rig.account('a');
  await rig.start(30_000);
  silent = true;
  await rig.set('equities', { instruments: ['NSE:INFY'] });
  await rig.clock.advance(120_000);
  expect(refused).toBeGreaterThan(10);
  expect(refused).toBeLessThan(25);
  silent = false;
  await rig.clock.advance(15_000);
  expect((await rig.slices()).flatMap(symbolsOf)).toEqual(['INFY']);
  await rig.stop();
});
