import type { SubscriptionSlice } from '../../crds/index.ts';
import type { Decision, Naming } from '../handover/decide.ts';
import type { PlacedGroup, PlannedSlice } from '../planner/types.ts';
import { groupsOf, type Serving } from '../transfer/serving.ts';
import type { Passage, Transfer } from '../transfer/transfers.ts';
import { sliceId } from './names.ts';
import { asCurrentSlice } from './placed.ts';
import { renamed, sliceObject } from './slice-object.ts';
import type { World } from './world.ts';

/** What a slice should be now: its plan, as far as its handover and its instruments' moves have got. */
export interface SliceMaker {
  /** A slice of the plan. @param existing as it is, undefined where it is not there yet */
  build(planned: PlannedSlice, naming: Naming, existing: SubscriptionSlice | undefined): SubscriptionSlice;
  /** A slice that is to go, while instruments of it do not stream elsewhere; undefined once none is left. */
  keep(existing: SubscriptionSlice, id: string, naming: Naming): SubscriptionSlice | undefined;
  /** The next step of the ownership of a slice that exists, by id. */
  readonly decisions: ReadonlyMap<string, Decision>;
  /** A step of the ownership has been written. */
  readonly wrote: (slice: SubscriptionSlice, decision: Decision) => void;
}

/** What an object was made of; the same gives the same object. */
interface Made {
  readonly of: readonly unknown[];
  readonly object: SubscriptionSlice;
}

/** Objects made before, by id: most slices are the same from one reconcile to the next. */
export class MadeSlices {
  #made = new Map<string, Made>();
  #before = new Map<string, Made>();

  /** A reconcile begins: what it does not ask for is forgotten with the next. */
  turn(): void {
    this.#before = this.#made;
    this.#made = new Map();
  }

  get(id: string, of: readonly unknown[], make: () => SubscriptionSlice): SubscriptionSlice {
    const before = this.#before.get(id);
    const same = before !== undefined && before.of.length === of.length && before.of.every((part, n) => part === of[n]);
    const made = same ? before : { of, object: make() };
    this.#made.set(id, made);
    return made.object;
  }
}

export function sliceMaker(
  world: World,
  { passages }: Transfer,
  decisions: ReadonlyMap<string, Decision>,
  made: MadeSlices,
  wrote: SliceMaker['wrote'],
): SliceMaker {
  const views = new Map(world.views.map((view) => [view.id, view]));
  const sets = new Map(
    [...world.liveSets].map(([id, set]) => [id, { set, channel: world.claims.get(id)?.channel ?? '' }]),
  );
  return {
    decisions,
    wrote,
    build: (planned, naming, existing) => {
      const view = views.get(planned.account);
      if (view === undefined) throw new Error(`the plan uses ${planned.account}, which is no account`);
      const passage = passages.get(sliceId(planned.account, planned.connection));
      // An account that may stream nothing more is left as it is until its instruments stream elsewhere.
      if (view.planner.state === 'unusable' && existing !== undefined && (passage?.held.size ?? 0) > 0) {
        return trimmed(existing, passage!.held, naming);
      }
      const instrument = (token: number) => world.demand.instrument(view.market, token);
      if (passage !== undefined) {
        const passing = { ...planned, groups: passingGroups(planned, passage, existing) };
        return sliceObject(passing, naming, { account: view.account, sets, instrument, joining: passage.joining });
      }
      const { uid, generation } = view.account.metadata;
      const of = [planned.groups, uid, generation, world.demand.version(view.market), ...partsOf(naming)];
      for (const id of new Set(planned.groups.flatMap((group) => group.sets))) {
        const set = sets.get(id);
        of.push(id, set?.set.metadata.uid, set?.set.metadata.generation, set?.channel);
      }
      const id = sliceId(planned.account, planned.connection);
      return made.get(id, of, () => sliceObject(planned, naming, { account: view.account, sets, instrument }));
    },
    keep: (existing, id, naming) => {
      const held = passages.get(id)?.held;
      return held === undefined || held.size === 0 ? undefined : trimmed(existing, held, naming);
    },
  };
}

function partsOf({ owner, next, epoch, handover }: Naming): unknown[] {
  return [owner?.shard, owner?.uid, next?.shard, next?.uid, epoch, handover];
}

function passingGroups(
  planned: PlannedSlice,
  { serving }: Passage,
  existing: SubscriptionSlice | undefined,
): readonly PlacedGroup[] {
  const modes = new Map<number, PlacedGroup['mode']>();
  const former = existing === undefined ? [] : asCurrentSlice(existing).groups;
  for (const { mode, tokens } of [...former, ...planned.groups]) for (const token of tokens) modes.set(token, mode);
  return groupsOf(serving, (token) => modes.get(token) ?? 'ltp');
}

/** The slice with what is held of it, and nothing else changed. */
function trimmed(slice: SubscriptionSlice, held: Serving, naming: Naming): SubscriptionSlice {
  const named = renamed(slice, naming);
  const ids = slice.spec.sets.map(({ namespace, name }) => `${namespace}/${name}`);
  const groups = slice.spec.groups.flatMap((group) => {
    const bySets = new Map<string, typeof group>();
    for (const instrument of group.instruments) {
      const kept = held.get(instrument.token);
      if (kept === undefined) continue;
      const indexes = group.sets.filter((index) => kept.includes(ids[index] ?? ''));
      const part = bySets.get(indexes.join());
      if (part === undefined) bySets.set(indexes.join(), { ...group, sets: indexes, instruments: [instrument] });
      else part.instruments.push(instrument);
    }
    return [...bySets.values()];
  });
  const { joining, ...spec } = named.spec;
  const still = joining?.filter((token) => held.has(token)) ?? [];
  return { ...named, spec: { ...spec, ...(still.length === 0 ? {} : { joining: still }), groups } };
}
