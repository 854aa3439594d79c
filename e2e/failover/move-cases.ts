import { setTimeout as delay } from 'node:timers/promises';
import { mendBroker, orderBroker } from '../lab/broker.ts';
import { type Case, pastLease, planned, slice } from './case.ts';
import * as faults from './faults.ts';
import { ownerOf, waitOwnership } from './slices.ts';

/** Milliseconds in which the broker refuses a successor. */
const refusing = 6000;
/** Longer than the operator waits for a successor at first. */
const refusingLong = 12_000;

/** The owner leaves, and for a while the broker lets nobody else in. */
async function refuseSuccessor(milliseconds: number): Promise<void> {
  const owner = await ownerOf(slice);
  await orderBroker({ fault: 'refuseUpgrade', apiKey: 'demo-a', status: 503 });
  try {
    await faults.deletePod(owner);
    await delay(milliseconds);
  } finally {
    await mendBroker();
  }
}

/** What happens in mid-move. */
export const moveCases: readonly Case[] = [
  {
    name: 'leader-paused-in-mid-move',
    goal: planned,
    breaksNodes: true,
    happen: async () => {
      const leader = await faults.leader();
      await faults.deletePod(await ownerOf(slice));
      await waitOwnership(slice, 'a move is under way', ({ next }) => next !== undefined);
      await faults.pauseProcess(leader, pastLease);
    },
  },
  {
    name: 'redis-killed-in-mid-move',
    goal: 'told',
    breaksNodes: true,
    happen: async () => {
      await faults.deletePod(await ownerOf(slice));
      await waitOwnership(slice, 'a move is under way', ({ next }) => next !== undefined);
      await faults.killRedis();
    },
  },
  { name: 'successor-refused', goal: planned, breaksNodes: false, happen: () => refuseSuccessor(refusing) },
  {
    name: 'successor-refused-for-long',
    goal: planned,
    breaksNodes: false,
    happen: () => refuseSuccessor(refusingLong),
  },
];
