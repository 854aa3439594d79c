import { setTimeout as delay } from 'node:timers/promises';
import { imagesFromEnvironment, upgrade } from '../lab/lab.ts';
import { brokerCases } from './broker-cases.ts';
import { type Case, crash, nodeAway, nodeLoss, pastLease, planned, slice } from './case.ts';
import { deathCases } from './death-cases.ts';
import * as faults from './faults.ts';
import { moveCases } from './move-cases.ts';
import { spreadShards } from './preparation.ts';
import { ownerOf, ownership, waitOwnership, withoutMoves } from './slices.ts';

/** Milliseconds of the cases in which somebody is away for long. */
const long = Number(process.env['LONG'] ?? 300) * 1000;

/**
 * Planned moves first: for 30 s after a process died the operator counts its connection as if the broker did, and closes
 * an owner's connection before it lets a successor in where that leaves none to spare.
 */
export const cases: readonly Case[] = [
  { name: 'undisturbed', goal: 'none', breaksNodes: false, happen: () => delay(10_000) },
  {
    name: 'pod-deleted',
    goal: planned,
    breaksNodes: false,
    happen: async () => faults.deletePod(await ownerOf(slice)),
  },
  {
    name: 'drain',
    goal: planned,
    breaksNodes: false,
    happen: async () => faults.drainNode((await ownerOf(slice)).node),
  },
  {
    name: 'rolling-update',
    goal: planned,
    breaksNodes: false,
    happen: async () => {
      const changed = `t${Date.now()}`;
      await upgrade(imagesFromEnvironment(), `shards.podAnnotations.changed=${changed}`);
      await faults.rolledOut('changed', changed);
    },
  },
  {
    // What a drain and a rolling update do beside moving slices: containers start.
    name: 'others-replaced',
    goal: 'none',
    breaksNodes: false,
    happen: () => withoutMoves(faults.replaceOthers),
  },
  ...moveCases,
  {
    name: 'pod-killed',
    goal: crash,
    breaksNodes: true,
    happen: async () => faults.killProcess(await ownerOf(slice)),
  },
  {
    name: 'pod-paused',
    goal: crash + 3000,
    breaksNodes: true,
    happen: async () => faults.pauseProcess(await ownerOf(slice), pastLease),
  },
  {
    name: 'pod-cut-from-api-server',
    goal: planned,
    breaksNodes: true,
    happen: async () => faults.cutFromApiServer(await ownerOf(slice), () => delay(10_000)),
  },
  {
    name: 'leader-killed',
    goal: 'none',
    breaksNodes: true,
    happen: () => withoutMoves(async () => faults.killProcess(await faults.leader())),
  },
  {
    name: 'leader-paused',
    goal: 'none',
    breaksNodes: true,
    happen: () => withoutMoves(async () => faults.pauseProcess(await faults.leader(), pastLease)),
  },
  {
    name: 'no-operator',
    goal: 'none',
    breaksNodes: false,
    happen: () => withoutMoves(() => faults.withoutOperator(long)),
  },
  {
    name: 'no-operator-and-crash',
    goal: crash,
    breaksNodes: true,
    happen: () => faults.withoutOperator(20_000, crashAndTakeUpAgain),
  },
  {
    name: 'no-api-server',
    goal: 'none',
    breaksNodes: true,
    happen: () => withoutMoves(() => faults.withoutApiServer(long)),
  },
  {
    name: 'no-api-server-and-crash',
    // A credential is kept nowhere but in the API server: the restarted process logs in when that is back.
    goal: 'told',
    breaksNodes: true,
    happen: async () => {
      const owner = await ownerOf(slice);
      await faults.withoutApiServer(30_000, () => faults.killProcess(owner));
    },
  },
  {
    name: 'node-killed',
    goal: nodeLoss,
    breaksNodes: true,
    prepare: spreadShards,
    happen: async () => faults.killNode((await ownerOf(slice)).node, nodeAway),
  },
  {
    name: 'leader-and-shard-on-one-node',
    goal: nodeLoss,
    breaksNodes: true,
    prepare: spreadShards,
    happen: async () => faults.killNode((await faults.leader()).node, nodeAway),
  },
  { name: 'redis-killed', goal: 'told', breaksNodes: true, happen: () => withoutMoves(faults.killRedis) },
  ...deathCases,
  ...brokerCases,
];

/** Ends the owner's process, and waits until it, and nobody else, streams the slice under a new claim. */
async function crashAndTakeUpAgain(): Promise<void> {
  const before = await ownership(slice);
  await faults.killProcess(await ownerOf(slice));
  await waitOwnership(
    slice,
    'the same pod streams it under a new claim',
    ({ epoch, claim, phase }) => epoch === before.epoch && (claim ?? 0) > (before.claim ?? 0) && phase === 'Streaming',
  );
}
