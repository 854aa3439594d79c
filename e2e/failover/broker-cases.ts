import { setTimeout as delay } from 'node:timers/promises';
import { mendBroker, orderBroker } from '../lab/broker.ts';
import { limitConnections } from '../lab/desk.ts';
import { type Case, nodeAway, nodeLoss, slice } from './case.ts';
import * as faults from './faults.ts';
import { spreadShards } from './preparation.ts';
import { ownerOf } from './slices.ts';

/** Milliseconds after which the broker notices that a node has died, and for which it counts a closed connection. */
const noticed = 3000;
const retained = 5000;
/** Milliseconds that a shard may take to try again once the broker would let it in. */
const retrying = 3000;

/** Each account may have one connection, and the broker keeps to that. */
async function oneConnection(atLimit: 'refuse' | 'evictOldest'): Promise<() => Promise<void>> {
  await limitConnections(1);
  await orderBroker({ fault: 'limits', connections: 1, atLimit }, { fault: 'retainClosed', milliseconds: retained });
  return async () => {
    await mendBroker();
    await limitConnections(undefined);
  };
}

/** What dies while the account has no connection to spare. */
export const brokerCases: readonly Case[] = [
  {
    // Until the broker has forgotten the dead connection nobody else is let in.
    name: 'node-killed-at-limit-refused',
    goal: noticed + retained + retrying,
    breaksNodes: true,
    prepare: () => spreadShards().then(() => oneConnection('refuse')),
    happen: async () => {
      const { node } = await ownerOf(slice);
      const notices = delay(noticed).then(() => orderBroker({ fault: 'disconnect', apiKey: 'demo-a' }));
      await Promise.all([faults.killNode(node, nodeAway), notices]);
    },
  },
  {
    name: 'node-killed-at-limit-evicted',
    goal: nodeLoss,
    breaksNodes: true,
    prepare: () => spreadShards().then(() => oneConnection('evictOldest')),
    happen: async () => faults.killNode((await ownerOf(slice)).node, nodeAway),
  },
  {
    name: 'pod-deleted-at-limit',
    goal: 'told',
    breaksNodes: false,
    prepare: () => oneConnection('evictOldest'),
    happen: async () => faults.deletePod(await ownerOf(slice)),
  },
];
