import { channelName, type InstrumentSet } from '../../crds/index.ts';
import { compareText } from '../planner/types.ts';
import { idOf } from './names.ts';

export interface ChannelClaim {
  readonly channel: string;
  /** The set that claimed the channel before; this one delivers nothing until that is resolved. */
  readonly takenBy?: string | undefined;
}

/** Who publishes on which channel: of two sets that name one, the older has it, then the one whose name is less. */
export function claimChannels(sets: readonly InstrumentSet[]): ReadonlyMap<string, ChannelClaim> {
  const owners = new Map<string, string>();
  const claims = new Map<string, ChannelClaim>();
  const byAge = [...sets].sort(
    (a, b) =>
      compareText(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') ||
      compareText(idOf(a), idOf(b)),
  );
  for (const set of byAge) {
    const channel = channelName(set.metadata.namespace ?? '', set.spec.delivery.channel ?? set.metadata.name);
    const takenBy = owners.get(channel);
    if (takenBy === undefined) owners.set(channel, idOf(set));
    claims.set(idOf(set), { channel, takenBy });
  }
  return claims;
}
