import { saysReady } from './cluster-invariants.ts';
import { tokenOf } from './scenario.ts';
import type { World } from './world.ts';

/** Milliseconds within which a streamed instrument has ticked; the broker ticks each one every few seconds. */
const freshWithin = 30_000;

/**
 * What must be so once nothing has failed for a while: every instrument that somebody asks for streams and arrives,
 * nothing else does, every status says so, no tick is unaccounted for, and nobody writes any more.
 *
 * @param written writes of accounts, sets and slices at the beginning of the stillness
 */
export function checkLiveness(world: World, written: number): void {
  const { clusterInvariants, ledger, broker, clock } = world;
  const now = clock.monotonic();
  const wanted = new Set<number>();
  const subscribed = broker.subscribed();
  for (const [id, set] of clusterInvariants.sets) {
    const names = set.spec.instruments ?? [];
    for (const name of names) wanted.add(tokenOf(name));
    const mute = names.filter((name) => {
      const heard = ledger.fresh.get(id)?.get(tokenOf(name)) ?? Number.NEGATIVE_INFINITY;
      return now - heard > freshWithin;
    });
    if (mute.length > 0) {
      world.violated(`set ${id} does not get ${mute.length} of ${names.length} instruments, the first is ${mute[0]}`);
    }
    if (!saysReady(set)) {
      const reasons = set.status?.conditions?.filter(({ status }) => status !== 'True');
      world.violated(
        `set ${id} is not Ready: ${reasons?.map(({ type, message }) => `${type}: ${message}`).join('; ')}`,
      );
    }
  }
  for (const [token, connections] of subscribed) {
    if (!wanted.has(token)) world.violated(`instrument ${token} is streamed and nobody asks for it`);
    if (connections.length > 1) {
      const who = connections.map(({ process }) => process.name).join(', ');
      world.violated(`instrument ${token} is streamed ${connections.length} times, by ${who}`);
    }
  }
  for (const [id, fresh] of ledger.fresh) {
    const set = clusterInvariants.sets.get(id);
    const asked = new Set(set?.spec.instruments?.map(tokenOf));
    for (const [token, at] of fresh) {
      if (!asked.has(token) && now - at < freshWithin)
        world.violated(`${id} still gets ${token}, which it does not ask for`);
    }
  }
  if (clusterInvariants.writes !== written) {
    const count = clusterInvariants.writes - written;
    world.violated(`${count} writes in the stillness, the last: ${clusterInvariants.lastWrite}`);
  }
  for (const { process, shard } of world.shards) ledger.settle(process, shard.snapshot());
}
