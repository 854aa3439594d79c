import { z } from 'zod';
import { eventually } from '../lab/command.ts';
import { recovered } from '../lab/desk.ts';
import { desk, shardPods, system } from '../lab/lab.ts';
import { get, list, type Pod, pods } from '../lab/objects.ts';

const identity = z.looseObject({ shard: z.string(), uid: z.string() });
const token = z.object({ epoch: z.int(), claim: z.int() });
const sliceSpec = z.looseObject({ owner: identity.optional(), next: identity.optional(), epoch: z.int() });
const sliceStatus = z.looseObject({
  shards: z
    .array(z.looseObject({ shard: z.string(), uid: z.string(), phase: z.string(), token: token.optional() }))
    .default([]),
});

/** Who serves a slice, as the object says. */
export interface Ownership {
  readonly owner: string | undefined;
  readonly next: string | undefined;
  readonly epoch: number;
  /** What the owner reports. */
  readonly phase: string | undefined;
  readonly claim: number | undefined;
}

export async function ownership(slice: string): Promise<Ownership> {
  const { spec, status } = await get('subscriptionslice', desk, slice);
  const { owner, next, epoch } = sliceSpec.parse(spec);
  const report = sliceStatus.parse(status).shards.find(({ uid }) => uid === owner?.uid);
  return { owner: owner?.uid, next: next?.uid, epoch, phase: report?.phase, claim: report?.token?.claim };
}

/** The pod that serves a slice. */
export async function ownerOf(slice: string): Promise<Pod> {
  const { owner } = await ownership(slice);
  const pod = (await pods(system, shardPods)).find(({ uid }) => uid === owner);
  if (pod === undefined) throw new Error(`${slice} has no owner that is there: ${owner}`);
  return pod;
}

/** Sees to it that no slice has been named anew when something is over and everything has recovered from it. */
export async function withoutMoves(happen: () => Promise<void>): Promise<void> {
  const before = await namings();
  await happen();
  await recovered();
  const after = await namings();
  if (before !== after) throw new Error(`slices moved: ${before}, then ${after}`);
}

/** Owner and epoch of every slice. */
async function namings(): Promise<string> {
  const slices = await list('subscriptionslice', desk);
  const named = slices.map(({ metadata, spec }) => {
    const { owner, epoch } = sliceSpec.parse(spec);
    return `${metadata.name} is ${owner?.shard}'s under ${epoch}`;
  });
  return named.sort().join(', ');
}

/** Looks often until a slice's ownership is as asked. */
export function waitOwnership(slice: string, what: string, is: (now: Ownership) => boolean): Promise<Ownership> {
  return eventually(
    `${slice}: ${what}`,
    async () => {
      const now = await ownership(slice);
      return is(now) ? now : undefined;
    },
    { interval: 20, timeout: 60_000 },
  );
}
