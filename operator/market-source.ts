import type { AccountName } from '../cluster/market-data.ts';
import type { ShardIdentity } from '../crds/index.ts';

/** A shard that can be asked for the instrument master and prices of one of the accounts that it serves. */
export interface MarketSource {
  readonly shard: ShardIdentity;
  readonly account: AccountName;
  /** True of a token that this account streams: its price is live there, and costs the provider no request. */
  readonly streams: (token: number) => boolean;
}

/** Whom to ask in each market, the best first; a market without anybody is listed with an empty array. */
export type MarketSources = ReadonlyMap<string, readonly MarketSource[]>;
