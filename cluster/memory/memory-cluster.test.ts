import { expect, test } from 'vitest';
import { type InstrumentSet, instrumentSetSpec } from '../../crds/index.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { instrumentSets } from '../resources.ts';
import { MemoryCluster } from './memory-cluster.ts';

test('smoke', async () => {
  const cluster = new MemoryCluster({ clock: new VirtualClock() });
  const object: InstrumentSet = {
    apiVersion: instrumentSets.apiVersion,
    kind: 'InstrumentSet',
    metadata: { name: 'a', namespace: 'default', labels: { x: 'y' } },
    spec: instrumentSetSpec.parse({ instruments: ['NSE:INFY'] }),
  };
  const one = await cluster.apply(instrumentSets, object, { fieldManager: 'a' });
  console.log(JSON.stringify(one, null, 1));
  expect(await cluster.apply(instrumentSets, object, { fieldManager: 'a' })).toBe(one);
  const two = await cluster.apply(
    instrumentSets,
    { ...object, metadata: { name: 'a', namespace: 'default' }, spec: { ...object.spec, mode: 'ltp' } },
    { fieldManager: 'a' },
  );
  console.log(JSON.stringify(two, null, 1));
});
