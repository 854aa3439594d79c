import type { SubscriptionSlice } from '../../crds/index.ts';
import { marketOf } from '../controllers/accounts.ts';
import { idOf, sliceId } from '../controllers/names.ts';
import { accountOf } from '../controllers/placed.ts';
import type { PlannedSlice } from '../planner/types.ts';
import { type Serving, sameServing, servingNow, servingOf } from './serving.ts';

/** A slice as it is and as it is to be in the end. */
export interface Place {
  readonly id: string;
  /** UID of the slice; its id while it is not there yet. */
  readonly uid: string;
  readonly market: string;
  readonly account: string;
  /** Undefined: it is not there yet. */
  readonly slice: SubscriptionSlice | undefined;
  /** Its stream is being ended. */
  readonly ends: boolean;
  readonly now: Serving;
  readonly planned: Serving;
  readonly joining: ReadonlySet<number>;
  /** It is not as it is to be. */
  readonly changes: boolean;
}

const nothing: Serving = new Map();
const none: ReadonlySet<number> = new Set();

/** Every slice that there is, and every one that is to be. */
export function placesOf(plan: readonly PlannedSlice[], slices: readonly SubscriptionSlice[]): readonly Place[] {
  const planned = new Map(plan.map((each) => [sliceId(each.account, each.connection), each]));
  const places: Place[] = [];
  const markets = new Map<string, string>();
  for (const slice of slices) {
    const id = idOf(slice);
    const ends = slice.metadata.deletionTimestamp !== undefined;
    const wanted = ends ? undefined : planned.get(id);
    planned.delete(id);
    const account = accountOf(slice);
    const market = marketOf(slice.spec.login);
    markets.set(account, market);
    const now = servingNow(slice);
    const future = wanted === undefined ? nothing : servingOf(wanted.groups);
    const joining = slice.spec.joining === undefined ? none : new Set(slice.spec.joining);
    const changes = joining.size > 0 || !sameServing(now, future);
    const uid = slice.metadata.uid ?? id;
    places.push({ id, uid, market, account, slice, ends, now, planned: future, joining, changes });
  }
  for (const [id, { account, groups }] of planned) {
    // A new slice is in the market of its account's others; an account's first slice is there before it has instruments.
    const market = markets.get(account) ?? '';
    const future = servingOf(groups);
    const changes = future.size > 0;
    const own = { slice: undefined, ends: false, now: nothing, planned: future, joining: none, changes };
    places.push({ id, uid: id, market, account, ...own });
  }
  return places;
}
