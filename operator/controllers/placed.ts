import type { Instrument } from '../../cluster/market-data.ts';
import type { InstrumentGroup, SubscriptionSlice } from '../../crds/index.ts';
import type { CurrentSlice } from '../planner/types.ts';

/** What a slice says of an instrument, and what it takes to write it into one. */
export interface SliceInstrument {
  readonly token: number;
  readonly exchange: string;
  readonly symbol: string;
  readonly type: Instrument['type'] | undefined;
  /** Of options only. */
  readonly strike?: number | undefined;
  readonly expiry?: string | undefined;
  readonly underlying?: number | undefined;
}

/** An instrument that a slice streams for some sets. */
export interface PlacedInstrument extends SliceInstrument {
  /** `namespace/name` of each. */
  readonly sets: readonly string[];
}

/** `namespace/name` of the account that a slice belongs to. */
export function accountOf(slice: SubscriptionSlice): string {
  return `${slice.metadata.namespace ?? ''}/${slice.spec.account}`;
}

/** Every instrument of a slice. */
export function* instrumentsOf(slice: SubscriptionSlice): Iterable<PlacedInstrument> {
  for (const group of slice.spec.groups) {
    const sets = setsOf(slice, group);
    for (const { token, symbol, strike, type } of group.instruments) {
      const { exchange, expiry, underlying } = group;
      yield { token, exchange, symbol, type, strike, expiry, underlying, sets };
    }
  }
}

const asCurrent = new WeakMap<SubscriptionSlice['spec'], CurrentSlice>();

/** A slice as the planner sees it. Objects never change: it is remembered. */
export function asCurrentSlice(slice: SubscriptionSlice): CurrentSlice {
  const { spec } = slice;
  let current = asCurrent.get(spec);
  if (current === undefined) {
    current = {
      account: accountOf(slice),
      connection: spec.connection,
      owner: spec.owner,
      next: spec.next,
      groups: spec.groups.map((group) => ({
        sets: setsOf(slice, group),
        mode: group.mode,
        tokens: group.instruments.map(({ token }) => token),
      })),
    };
    asCurrent.set(spec, current);
  }
  return current;
}

export interface InstrumentCounts {
  readonly total: number;
  /** By `namespace/name` of the set. */
  readonly bySet: ReadonlyMap<string, number>;
}

const counts = new WeakMap<SubscriptionSlice['spec'], InstrumentCounts>();

/** Number of instruments that a slice streams, and how many of them for each set. Objects never change: it is remembered. */
export function countInstruments(slice: SubscriptionSlice): InstrumentCounts {
  const known = counts.get(slice.spec);
  if (known !== undefined) return known;
  const bySet = new Map<string, number>();
  let total = 0;
  for (const group of slice.spec.groups) {
    total += group.instruments.length;
    for (const set of setsOf(slice, group)) bySet.set(set, (bySet.get(set) ?? 0) + group.instruments.length);
  }
  const counted = { total, bySet };
  counts.set(slice.spec, counted);
  return counted;
}

function setsOf(slice: SubscriptionSlice, group: InstrumentGroup): string[] {
  return group.sets.flatMap((index) => {
    const set = slice.spec.sets[index];
    return set === undefined ? [] : [`${set.namespace}/${set.name}`];
  });
}
