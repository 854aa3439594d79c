import type { InstrumentSet } from '../../crds/index.ts';
import type { AccountView } from './accounts.ts';

/**
 * Which accounts each set may use: those of its namespace and those whose `allowedNamespaces` name it, as far as
 * `accountSelector` picks them. Sets that may use the same accounts get the same array, in order of id.
 */
export class Eligibility {
  readonly #views: readonly AccountView[];
  readonly #memo = new Map<string, readonly AccountView[]>();
  readonly #markets = new Map<readonly AccountView[], ReadonlyMap<string, readonly string[]>>();

  /** @param views in order of id */
  constructor(views: readonly AccountView[]) {
    this.#views = views;
  }

  accounts(set: InstrumentSet): readonly AccountView[] {
    const namespace = set.metadata.namespace ?? '';
    const selector = set.spec.accountSelector;
    const labels = Object.entries(selector?.matchLabels ?? {}).sort();
    const key = JSON.stringify([namespace, labels, selector?.names === undefined ? null : [...selector.names].sort()]);
    let found = this.#memo.get(key);
    if (found === undefined) {
      found = this.#views.filter(({ account: { metadata, spec } }) => {
        const own = metadata.namespace === namespace;
        if (!own && spec.allowedNamespaces?.includes(namespace) !== true) return false;
        if (selector?.names !== undefined && !(own && selector.names.includes(metadata.name))) return false;
        return labels.every(([label, value]) => metadata.labels?.[label] === value);
      });
      this.#memo.set(key, found);
    }
    return found;
  }

  /** Ids of the accounts by market, markets and ids in order. */
  byMarket(set: InstrumentSet): ReadonlyMap<string, readonly string[]> {
    const accounts = this.accounts(set);
    let markets = this.#markets.get(accounts);
    if (markets === undefined) {
      const groups = new Map<string, string[]>();
      for (const market of [...new Set(accounts.map((view) => view.market))].sort()) groups.set(market, []);
      for (const { id, market } of accounts) groups.get(market)?.push(id);
      markets = groups;
      this.#markets.set(accounts, markets);
    }
    return markets;
  }
}
