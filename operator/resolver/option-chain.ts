import type { Instrument } from '../../cluster/market-data.ts';
import type { OptionChain } from '../../crds/index.ts';
import { atTheMoney, type Band } from './at-the-money.ts';
import { chooseExpiries } from './expiries.ts';
import type { InstrumentCatalog } from './instrument-catalog.ts';
import { nearestNames } from './nearest-names.ts';
import { didYouMean, type Problem } from './problem.ts';
import { optionNamesOf } from './underlyings.ts';

/** The strike at the money of each chain that a set follows: `exchange:name:expiry` → strike. */
export type ChainCentres = ReadonlyMap<string, number>;

/** A price that a chain follows. */
export interface FollowedPrice {
  readonly token: number;
  /** Where the chain does not change; absent while no price is known. */
  readonly band?: Band | undefined;
}

export interface ChainResult {
  readonly underlying?: Instrument | undefined;
  readonly options: readonly Instrument[];
  readonly problems: readonly Problem[];
  readonly requested: number;
  readonly centres: ReadonlyMap<string, number>;
  readonly follows: readonly FollowedPrice[];
  /** No price is known yet: what was chosen before should stay. */
  readonly pending: boolean;
}

/**
 * The options of a chain around the money, and their underlying.
 *
 * @param spot last price of the underlying in rupees; undefined while none is known
 */
export function resolveChain(
  chain: OptionChain,
  path: string,
  catalog: InstrumentCatalog,
  spot: (token: number) => number | undefined,
  former: ChainCentres,
): ChainResult {
  const problems: Problem[] = [];
  const centres = new Map<string, number>();
  const width = 2 * chain.strikes.aroundMoney + 1;
  const perExpiry = width * chain.types.length;
  const wantedExpiries = chain.expiries.dates?.length ?? chain.expiries.nearest ?? 1;
  const requested = 1 + perExpiry * wantedExpiries;
  const nothing = { options: [], centres, follows: [], pending: false, requested };
  const underlying = catalog.find(chain.underlying);
  if (underlying === undefined) {
    const message = `the underlying ${chain.underlying} is not in the instrument master${didYouMean(catalog.suggestions(chain.underlying))}`;
    return { ...nothing, problems: [{ instrument: chain.underlying, reason: 'UnknownUnderlying', message }] };
  }
  const names = chain.name === undefined ? optionNamesOf(chain.underlying, underlying.symbol) : [chain.name];
  const name = names.find((each) => catalog.expiries(chain.exchange, each).length > 0);
  if (name === undefined) {
    const near = nearestNames(names[0]!, catalog.optionNames(chain.exchange));
    const message = `${chain.exchange} lists no options named ${names.join(' or ')}: set ${path}.name to the underlying's name in the instrument master, or ${path}.exchange${didYouMean(near)}`;
    return { ...nothing, underlying, problems: [{ instrument: path, reason: 'NoOptions', message }] };
  }
  const available = catalog.expiries(chain.exchange, name);
  const { chosen, missingDates, missingNearest } = chooseExpiries(chain.expiries, available);
  const listed = `listed are ${available.slice(0, 6).join(', ')}`;
  for (const date of missingDates) {
    const message = `${name} has no options that expire on ${date}: change ${path}.expiries.dates (${listed})`;
    problems.push({ instrument: `${chain.exchange}:${name} ${date}`, reason: 'UnknownExpiry', message });
  }
  if (missingNearest > 0) {
    const message = `${name} has ${available.length} expiries, ${wantedExpiries} are asked for: lower ${path}.expiries.nearest (${listed})`;
    problems.push({ instrument: `${chain.exchange}:${name}`, reason: 'TooFewExpiries', message });
  }
  const price = spot(underlying.token);
  if (price === undefined || !(price > 0)) {
    const message = `no live price of ${chain.underlying} yet, so the strikes around the money are not known; it is asked for every second`;
    problems.push({ instrument: chain.underlying, reason: 'SpotUnavailable', message });
    const follows = [{ token: underlying.token }];
    return { underlying, options: [], problems, requested, centres: former, follows, pending: true };
  }
  const options: Instrument[] = [];
  const follows: FollowedPrice[] = [];
  for (const expiry of chosen) {
    const strip = catalog.options(chain.exchange, name, expiry);
    if (strip === undefined) continue;
    const key = `${chain.exchange}:${name}:${expiry}`;
    const { centre, band } = atTheMoney(strip.strikes, price, chain.strikes.hysteresis, former.get(key));
    centres.set(key, centre);
    follows.push({ token: underlying.token, band });
    const at = strip.strikes.indexOf(centre);
    const strikes = strip.strikes.slice(
      Math.max(0, at - chain.strikes.aroundMoney),
      at + chain.strikes.aroundMoney + 1,
    );
    const found = strikes.flatMap((strike) =>
      chain.types.map((type) => strip.option(strike, type)).filter((option) => option !== undefined),
    );
    options.push(...found);
    if (found.length < perExpiry) {
      const message = `${name} ${expiry}: ${found.length} of ${perExpiry} options around ${centre} are listed (strikes ${strip.strikes[0]} to ${strip.strikes[strip.strikes.length - 1]}): lower ${path}.strikes.aroundMoney, or wait for the exchange to list more`;
      problems.push({ instrument: `${chain.exchange}:${name} ${expiry}`, reason: 'StrikesMissing', message });
    }
  }
  return { underlying, options, problems, requested, centres, follows, pending: false };
}
