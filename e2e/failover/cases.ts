import { setTimeout as delay } from 'node:timers/promises';
import { imagesFromEnvironment, upgrade } from '../lab/lab.ts';
import * as faults from './faults.ts';

/** Something that happens to a cluster while ticks flow. */
export interface Case {
  readonly name: string;
  /**
   * Longest gap that is asked for, milliseconds; `none`: not above the longest of an undisturbed run; `told`: as long as
   * it is, if only it is told.
   */
  readonly goal: number | 'none' | 'told';
  /** It needs nodes that are containers of ours. */
  readonly breaksNodes: boolean;
  /** Resolves when it is over; that everything has recovered is waited for afterwards. */
  readonly happen: () => Promise<void>;
}

/** Goals, milliseconds. */
const planned = 250;
const crash = 3000;
const nodeLoss = 6000;
/** Milliseconds of a pause that outlasts a lease of 3 s. */
const pastLease = 8000;
/** Milliseconds that a node stays dead. */
const nodeAway = 30_000;
/** Milliseconds of the cases in which somebody is away for long. */
const long = Number(process.env['LONG'] ?? 300) * 1000;

const slice = 'demo-a-c0';

export const cases: readonly Case[] = [
  { name: 'undisturbed', goal: 'none', breaksNodes: false, happen: () => delay(10_000) },
  {
    name: 'pod-deleted',
    goal: planned,
    breaksNodes: false,
    happen: async () => faults.deletePod(await faults.ownerOf(slice)),
  },
  {
    name: 'pod-killed',
    goal: crash,
    breaksNodes: true,
    happen: async () => faults.killProcess(await faults.ownerOf(slice)),
  },
  {
    name: 'pod-paused',
    goal: crash + 3000,
    breaksNodes: true,
    happen: async () => faults.pauseProcess(await faults.ownerOf(slice), pastLease),
  },
  {
    name: 'pod-cut-from-api-server',
    goal: planned,
    breaksNodes: true,
    happen: async () => faults.cutFromApiServer(await faults.ownerOf(slice), 20_000),
  },
  {
    name: 'drain',
    goal: planned,
    breaksNodes: false,
    happen: async () => faults.drainNode((await faults.ownerOf(slice)).node),
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
    name: 'leader-killed',
    goal: 'none',
    breaksNodes: true,
    happen: async () => faults.killProcess(await faults.leader()),
  },
  {
    name: 'leader-paused',
    goal: 'none',
    breaksNodes: true,
    happen: async () => faults.pauseProcess(await faults.leader(), pastLease),
  },
  { name: 'no-operator', goal: 'none', breaksNodes: false, happen: () => faults.withoutOperator(long) },
  {
    name: 'no-operator-and-crash',
    goal: crash,
    breaksNodes: true,
    happen: () => faults.withoutOperator(20_000, async () => faults.killProcess(await faults.ownerOf(slice))),
  },
  { name: 'no-api-server', goal: 'none', breaksNodes: true, happen: () => faults.withoutApiServer(long) },
  {
    name: 'no-api-server-and-crash',
    // A credential is kept nowhere but in the API server: the restarted process logs in when that is back.
    goal: 'told',
    breaksNodes: true,
    happen: async () => {
      const owner = await faults.ownerOf(slice);
      await faults.withoutApiServer(30_000, () => faults.killProcess(owner));
    },
  },
  {
    name: 'node-killed',
    goal: nodeLoss,
    breaksNodes: true,
    happen: async () => faults.killNode((await faults.ownerOf(slice)).node, nodeAway),
  },
  {
    name: 'leader-and-shard-on-one-node',
    goal: nodeLoss,
    breaksNodes: true,
    happen: async () => faults.killNode((await faults.leader()).node, nodeAway),
  },
  { name: 'redis-killed', goal: 'told', breaksNodes: true, happen: () => faults.killRedis() },
];
