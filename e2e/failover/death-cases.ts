import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../lab/command.ts';
import { extraAccount, extraSlice, removeExtra } from '../lab/extra.ts';
import { kubectl } from '../lab/kubectl.ts';
import { desk, shardPods, system } from '../lab/lab.ts';
import { list, pods } from '../lab/objects.ts';
import { type Case, crash, pastLease, planned, slice } from './case.ts';
import * as faults from './faults.ts';
import { spreadOperators } from './preparation.ts';
import { ownerOf, ownership, waitOwnership } from './slices.ts';

/** Milliseconds for which a node is cut off: longer than two pods of one name need to be seen. */
const cutOff = 8_000;

/** What is there after a death: pods that die again, that have a twin, or that cannot be told anything. */
export const deathCases: readonly Case[] = [
  {
    name: 'crash-loop',
    goal: crash,
    breaksNodes: true,
    happen: async () => {
      const owner = await ownerOf(slice);
      await faults.killProcess(owner);
      await faults.crashLoop(owner);
      await waitOwnership(slice, 'another streams', (now) => now.owner !== owner.uid && now.phase === 'Streaming');
    },
  },
  {
    name: 'leader-paused-in-mid-takeover',
    goal: crash,
    breaksNodes: true,
    happen: async () => {
      const [leader, { epoch }] = await Promise.all([faults.leader(), ownership(slice)]);
      await faults.killProcess(await ownerOf(slice));
      await waitOwnership(slice, 'a takeover is under way', (now) => now.epoch > epoch);
      await faults.pauseProcess(leader, pastLease);
    },
  },
  {
    name: 'two-pods-of-one-name',
    goal: planned,
    breaksNodes: true,
    prepare: spreadOperators,
    happen: async () => {
      const former = await ownerOf(slice);
      await faults.cordoned(former.node, () =>
        faults.cutNodeFromApiServer(former.node, async () => {
          await faults.deletePod(former, true);
          await eventually('another pod of that name is Ready', async () =>
            (await pods(system, shardPods)).find(
              ({ name, uid, ready }) => name === former.name && uid !== former.uid && ready,
            ),
          );
          await delay(cutOff);
        }),
      );
    },
  },
  {
    name: 'account-at-rest',
    goal: crash,
    breaksNodes: true,
    prepare: async () => {
      await extraAccount({ rests: true });
      return removeExtra;
    },
    happen: async () => {
      const before = await ownership(extraSlice);
      await faults.killProcess(await ownerOf(extraSlice));
      await waitOwnership(
        extraSlice,
        'it rests elsewhere',
        ({ epoch, phase }) => epoch > before.epoch && phase === 'Resting',
      );
    },
  },
  {
    name: 'slice-deleted-while-cut-off',
    goal: planned,
    breaksNodes: true,
    prepare: async () => {
      await extraAccount();
      return removeExtra;
    },
    happen: async () => {
      await faults.cutFromApiServer(await ownerOf(extraSlice), async () => {
        await kubectl(['delete', 'instrumentset/extra', 'tickeraccount/extra', '-n', desk, '--wait=false']);
        await eventually('the slice is gone', async () => {
          const left = await list('subscriptionslice', desk);
          return left.every(({ metadata }) => metadata.name !== extraSlice) ? true : undefined;
        });
      });
    },
  },
];
