import type { InstrumentGroup, SubscriptionSliceSpec } from '../../crds/index.ts';
import type { ExchangeCalendar, TradingCalendar } from '../../crds/sessions/trading-calendar.ts';
import { TokenIndex } from '../token-index.ts';
import { Enricher, type Expiry } from './enrich.ts';
import { type InstrumentRecord, type InstrumentTable, instrumentName } from './instrument-table.ts';
import type { SetBatcher } from './set-batcher.ts';
import { usualPolicy } from './validation/policy.ts';

/** How Greeks are computed, and when the group's options expire under these settings. */
export interface WantedGreeks {
  readonly enricher: Enricher;
  readonly expiry: Expiry;
}

/** Sets of a group that want the same Greeks, or none. */
export interface Delivery {
  readonly greeks: WantedGreeks | undefined;
  readonly sets: readonly SetBatcher[];
}

/** Where rows of a group of instruments go. */
export interface Route {
  /** Empty for an underlying that is streamed for Greeks only. */
  readonly deliveries: readonly Delivery[];
  /** Sets whose options get Greeks only when a batch is sealed. */
  readonly atSeal: ReadonlyMap<SetBatcher, WantedGreeks>;
  /** Breaches of these rules are counted: what any of the sets wants. */
  readonly counted: number;
  /** When the group's exchange trades; undefined where the account has no calendar. */
  readonly calendar: ExchangeCalendar | undefined;
}

/** An instrument of a slice. */
export interface Entry {
  readonly record: InstrumentRecord;
  readonly route: Route;
  readonly option: boolean;
  /** Another slice streams it as well. */
  readonly joining: boolean;
  readonly call: boolean;
  /** Rupees; 0 where it is no option. */
  readonly strike: number;
  /** -1 where there is none. */
  readonly underlyingSlot: number;
}

/** Token → slot. */
export type TokenSlots = Pick<TokenIndex, 'get' | 'has' | 'forEach'>;

/** A slice's spec as its pipeline wants it: what to do with a row, by slot. */
export interface Routes {
  /** Indexed by slot; its length is the table's capacity. */
  readonly entries: readonly (Entry | undefined)[];
  readonly enrichers: ReadonlyMap<string, Enricher>;
  /** Every token that the slice holds a slot of, underlyings of other slices too. */
  readonly slots: TokenSlots;
  readonly instruments: number;
}

export const noRoutes: Routes = { entries: [], enrichers: new Map(), slots: new TokenIndex(), instruments: 0 };

/**
 * Holds a slot for every token of a slice, and for its options' underlyings; what `before` held is kept. Holds nothing more
 * where it throws.
 */
export function acquireSlots(spec: SubscriptionSliceSpec, table: InstrumentTable, before: TokenSlots): TokenIndex {
  const slots = new TokenIndex(spec.groups.reduce((sum, { instruments }) => sum + 1 + instruments.length, 0));
  const acquired: number[] = [];
  const hold = (token: number): void => {
    if (slots.has(token)) return;
    let slot = before.get(token);
    if (slot < 0) {
      slot = table.acquire(token);
      acquired.push(slot);
    }
    slots.set(token, slot);
  };
  try {
    for (const { underlying, instruments } of spec.groups) {
      if (underlying !== undefined) hold(underlying);
      for (const { token } of instruments) hold(token);
    }
  } catch (error) {
    for (const slot of acquired) table.release(slot);
    throw error;
  }
  return slots;
}

/** Compiles a spec. Records and Greeks settings that did not change are taken from `before`. */
export function compileRoutes(
  spec: SubscriptionSliceSpec,
  slots: TokenSlots,
  capacity: number,
  batchers: readonly SetBatcher[],
  before: Routes,
  calendar?: TradingCalendar,
): Routes {
  const enrichers = new Map<string, Enricher>();
  const bySet = spec.sets.map((set) => {
    if (set.greeks === undefined) return undefined;
    const key = Enricher.key(set.greeks);
    const enricher = enrichers.get(key) ?? before.enrichers.get(key) ?? new Enricher(set.greeks);
    enricher.reserve(capacity);
    enrichers.set(key, enricher);
    return enricher;
  });
  const joining = new Set(spec.joining);
  const entries = new Array<Entry | undefined>(capacity).fill(undefined);
  let instruments = 0;
  for (const group of spec.groups) {
    const route = compileRoute(spec, group, batchers, bySet, calendar);
    const underlyingSlot = group.underlying === undefined ? -1 : slots.get(group.underlying);
    for (const { token, symbol, strike, type } of group.instruments) {
      const slot = slots.get(token);
      const old = before.entries[slot]?.record;
      const name = instrumentName(group.exchange, symbol);
      if (entries[slot] === undefined) instruments++;
      entries[slot] = {
        record: old !== undefined && old.token === token && old.name === name ? old : { token, name },
        route,
        option: type !== undefined && strike !== undefined,
        joining: joining.has(token),
        call: type === 'CE',
        strike: strike ?? 0,
        underlyingSlot,
      };
    }
  }
  return { entries, enrichers, slots, instruments };
}

function compileRoute(
  spec: SubscriptionSliceSpec,
  group: InstrumentGroup,
  batchers: readonly SetBatcher[],
  bySet: readonly (Enricher | undefined)[],
  calendar: TradingCalendar | undefined,
): Route {
  const byEnricher = new Map<Enricher | undefined, SetBatcher[]>();
  const atSeal = new Map<SetBatcher, WantedGreeks>();
  let counted = 0;
  for (const index of group.sets) {
    const batcher = batchers[index];
    if (batcher === undefined) continue;
    counted |= batcher.policy.counted;
    let enricher = bySet[index];
    if (enricher !== undefined && spec.sets[index]?.greeks?.when === 'batch') {
      atSeal.set(batcher, { enricher, expiry: enricher.expiryOf(group.expiry) });
      enricher = undefined;
    }
    const together = byEnricher.get(enricher);
    if (together === undefined) byEnricher.set(enricher, [batcher]);
    else together.push(batcher);
  }
  const deliveries = [...byEnricher].map(([enricher, sets]) => ({
    greeks: enricher && { enricher, expiry: enricher.expiryOf(group.expiry) },
    sets,
  }));
  return {
    deliveries,
    atSeal,
    counted: deliveries.length === 0 ? usualPolicy.counted : counted,
    calendar: calendar?.of(group.exchange),
  };
}
