import type { Instrument } from '../../cluster/market-data.ts';
import type { InstrumentSelector } from '../../crds/index.ts';
import { chooseExpiries } from './expiries.ts';
import type { InstrumentCatalog } from './instrument-catalog.ts';
import type { Problem } from './problem.ts';

export interface SelectorResult {
  readonly instruments: readonly Instrument[];
  readonly problems: readonly Problem[];
  /** Instruments that were asked for, found or not. */
  readonly requested: number;
}

/** Instruments of the catalog that a selector matches; more than its limit are refused as a whole. */
export function select(selector: InstrumentSelector, path: string, catalog: InstrumentCatalog): SelectorResult {
  const types = selector.types === undefined ? undefined : new Set(selector.types);
  const matches = globMatcher(selector.symbol ?? '*');
  let found = catalog
    .ofExchange(selector.exchange)
    .filter(
      (row) =>
        (selector.segment === undefined || row.segment === selector.segment) &&
        (selector.name === undefined || row.name === selector.name) &&
        (types === undefined || types.has(row.type)) &&
        matches(row.symbol),
    );
  const problems: Problem[] = [];
  if (selector.expiries !== undefined) {
    const { kept, missing } = byExpiry(found, selector.expiries);
    if (missing.length > 0 && kept.length > 0) {
      const listed = [...new Set(found.map(({ expiry }) => expiry))].filter((expiry) => expiry !== undefined).sort();
      problems.push({
        instrument: path,
        reason: 'UnknownExpiry',
        message: `nothing that ${path} matches expires on ${missing.join(', ')}; listed are ${listed.slice(0, 6).join(', ')}: change ${path}.expiries.dates`,
      });
    }
    found = kept;
  }
  if (found.length === 0) {
    const listed = catalog.exchanges.includes(selector.exchange);
    const hint = listed
      ? `loosen ${describe(selector)}`
      : `exchange ${selector.exchange} is not listed; the account's exchanges are ${catalog.exchanges.join(', ')}`;
    const message = `${path} matches no instrument: ${hint}`;
    return {
      instruments: [],
      requested: 1,
      problems: [{ instrument: path, reason: 'SelectorMatchesNothing', message }],
    };
  }
  if (found.length > selector.limit) {
    const message = `${path} matches ${found.length} instruments, more than its limit of ${selector.limit}, and is refused as a whole: narrow it, or raise ${path}.limit`;
    return {
      instruments: [],
      requested: found.length,
      problems: [{ instrument: path, reason: 'SelectorLimitExceeded', message }],
    };
  }
  return { instruments: found, requested: found.length + problems.length, problems };
}

/** Nearest expiries are counted for each name by itself: not every underlying has a weekly. */
function byExpiry(
  rows: readonly Instrument[],
  spec: NonNullable<InstrumentSelector['expiries']>,
): { kept: Instrument[]; missing: readonly string[] } {
  const names = new Map<string, Set<string>>();
  const all = new Set<string>();
  for (const { name, expiry } of rows) {
    if (expiry === undefined) continue;
    all.add(expiry);
    names.set(name, (names.get(name) ?? new Set()).add(expiry));
  }
  const chosen = new Map(
    [...names].map(([name, set]) => [name, new Set(chooseExpiries(spec, [...set].sort()).chosen)]),
  );
  const kept = rows.filter(({ name, expiry }) => expiry !== undefined && chosen.get(name)?.has(expiry) === true);
  return { kept, missing: chooseExpiries(spec, [...all].sort()).missingDates };
}

/** Matches a tradingsymbol against a pattern in which `*` stands for anything. Linear: no backtracking. */
export function globMatcher(pattern: string): (symbol: string) => boolean {
  const parts = pattern.split('*');
  const first = parts[0]!;
  const last = parts[parts.length - 1]!;
  if (parts.length === 1) return (symbol) => symbol === pattern;
  const inner = parts.slice(1, -1).filter((part) => part !== '');
  return (symbol) => {
    if (!symbol.startsWith(first) || !symbol.endsWith(last) || symbol.length < first.length + last.length) return false;
    const end = symbol.length - last.length;
    let at = first.length;
    for (const part of inner) {
      const found = symbol.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}

function describe(selector: InstrumentSelector): string {
  const given = (['symbol', 'name', 'segment', 'types', 'expiries'] as const).filter(
    (field) => selector[field] !== undefined,
  );
  return given.length === 0 ? 'it' : given.join(', ');
}
