import { join } from 'node:path';
import { z } from 'zod';
import { eventually } from './command.ts';
import { apply, kubectl } from './kubectl.ts';
import { desk, fixture, samples, shardPods, system } from './lab.ts';
import { conditionOf, list, pods } from './objects.ts';

/** Applies `samples/` as the README says, and waits until both sets are Ready. */
export async function applySamples(): Promise<void> {
  await kubectl(['apply', '-n', desk, '-f', samples]);
  await waitReady();
}

/** Applies the samples' accounts and the two fixed sets of `fixtures/desk.yaml`, and waits until both are Ready. */
export async function applyDesk(): Promise<void> {
  await kubectl(['apply', '-n', desk, '-f', join(samples, 'accounts.yaml')]);
  await apply(await fixture('desk.yaml'), desk);
  await waitReady();
}

/** Connections that each of the samples' accounts may have; the provider's own limit when undefined. */
export async function limitConnections(connections: number | undefined): Promise<void> {
  const patch = JSON.stringify({ spec: { limits: connections === undefined ? null : { connections } } });
  for (const name of ['demo-a', 'demo-b'])
    await kubectl(['patch', 'tickeraccount', name, '-n', desk, '--type=merge', '-p', patch]);
}

/** As a user would: every set is Ready. */
export async function waitReady(timeout = 120): Promise<void> {
  const args = ['wait', '--for=condition=Ready', 'instrumentset', '--all', '-n', desk, `--timeout=${timeout}s`];
  await kubectl(args, { timeout: (timeout + 10) * 1000 });
}

/** Takes every set and account away, and waits until no slice is left. */
export async function clearDesk(): Promise<void> {
  await kubectl(['delete', 'instrumentset,tickeraccount', '--all', '-n', desk, '--timeout=60s']);
  await eventually('no slice is left', async () =>
    (await list('subscriptionslice', desk)).length === 0 ? true : undefined,
  );
}

/** Message of a condition of an object once its status is as asked, and it says what is asked. */
export function waitCondition(
  kind: string,
  name: string,
  type: string,
  status: 'True' | 'False',
  says = /(?:)/,
): Promise<string> {
  return eventually(`${kind}/${name} has ${type}=${status} that says ${says}`, async () => {
    const item = (await list(kind, desk)).find(({ metadata }) => metadata.name === name);
    const condition = item && conditionOf(item, type);
    if (condition?.status === status && says.test(condition.message)) return condition.message;
    throw new Error(`${condition?.status}: ${condition?.message}`);
  });
}

const sliceStatus = z.looseObject({
  shards: z.array(z.looseObject({ shard: z.string(), uid: z.string().optional(), phase: z.string() })).default([]),
});
const sliceSpec = z.looseObject({
  owner: z.looseObject({ shard: z.string(), uid: z.string().optional() }).optional(),
  next: z.unknown().optional(),
});
/** Milliseconds since the last renewal of a lease that is renewed every second. */
const renewedWithin = 5000;
const leaseSpec = z.looseObject({ renewTime: z.string().optional(), holderIdentity: z.string().optional() });

/** Phases of an owner that does what it should. */
const served = new Set(['Streaming', 'Resting']);

/** Milliseconds for accounts to be balanced over shards: it begins 10 s after a shard has joined. */
const balancing = 16_000;

/**
 * Waits until every shard has a slice, so that what happens to one leaves the other's alone. An account that has no connection to
 * spare, for one of its shards has just died, is not moved for that: then it is not waited for any longer.
 *
 * @param timeout milliseconds
 */
export async function balanced(timeout = balancing): Promise<void> {
  const even = async (): Promise<true | undefined> => {
    const slices = (await list('subscriptionslice', desk)).map(({ spec }) => sliceSpec.parse(spec));
    const owners = new Set(slices.map(({ owner }) => owner?.uid));
    const shards = (await pods(system, shardPods)).filter(({ leaving }) => !leaving);
    const still = slices.every(({ next }) => next === undefined);
    return still && shards.every(({ uid }) => owners.has(uid)) ? true : undefined;
  };
  await eventually('every shard has a slice', even, { timeout, interval: 500 }).catch(() => undefined);
}

/** Waits until every pod is Ready and reaches the API server, each slice is streamed by its owner with no move under way, and every set is Ready. */
export async function recovered(): Promise<void> {
  await eventually(
    'everything has recovered',
    async () => {
      const [found, allLeases, slices, sets] = await Promise.all([
        pods(system, 'app.kubernetes.io/instance=ticker'),
        list('leases', system),
        list('subscriptionslice', desk),
        list('instrumentset', desk),
      ]);
      const running = found.filter(({ leaving }) => !leaving);
      const waiting = running.filter(({ ready }) => !ready).map(({ name }) => name);
      if (waiting.length > 0) throw new Error(`not ready: ${waiting.join(', ')}`);
      // A pod may be Ready and cut off: where the API server was away, kube-proxy may not know yet that it is back.
      const leases = allLeases.map(({ spec }) => leaseSpec.parse(spec));
      for (const { name } of running.filter(({ component }) => component === 'operator' || component === 'shard')) {
        const own = leases.filter(({ holderIdentity }) => holderIdentity?.split('/')[0] === name);
        const renewed = Math.max(...own.map(({ renewTime }) => Date.parse(renewTime ?? '')));
        if (!(Date.now() - renewed < renewedWithin)) throw new Error(`${name}: its lease is not renewed`);
      }
      for (const { metadata, spec, status } of slices) {
        const { owner, next } = sliceSpec.parse(spec);
        const streaming = sliceStatus
          .parse(status)
          .shards.some(({ shard, uid, phase }) => shard === owner?.shard && uid === owner.uid && served.has(phase));
        const there = running.some(({ uid }) => uid === owner?.uid);
        if (!there || !streaming || next !== undefined)
          throw new Error(`${metadata.name}: its owner does not stream alone`);
      }
      for (const item of sets) {
        const ready = conditionOf(item, 'Ready');
        if (ready?.status !== 'True') throw new Error(`${item.metadata.name}: ${ready?.message}`);
      }
      return true;
    },
    { timeout: 300_000, interval: 500 },
  );
}
