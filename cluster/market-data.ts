import type { ShardIdentity } from '../crds/index.ts';

/** A row of a provider's instrument master, in the project's own terms. */
export interface Instrument {
  /** The provider's instrument token, unique within the master of one day. */
  readonly token: number;
  /** e.g. `NSE`, `NFO`, `CDS`, `MCX`. */
  readonly exchange: string;
  readonly symbol: string;
  /** Name of the company, or of the underlying for derivatives. */
  readonly name: string;
  readonly segment: string;
  readonly type: 'EQ' | 'FUT' | 'CE' | 'PE' | 'INDEX';
  /** `YYYY-MM-DD`; absent where it does not expire. */
  readonly expiry?: string;
  /** Rupees; 0 where there is none. */
  readonly strike: number;
  readonly tickSize: number;
  readonly lotSize: number;
}

/** All instruments that an account can stream. Immutable; a refresh makes a new one. */
export interface InstrumentMaster {
  /** Changes when the content does. */
  readonly version: string;
  /** When it was fetched, milliseconds since the epoch. */
  readonly loadedAt: number;
  readonly instruments: readonly Instrument[];
}

/** Which account, by its object. */
export interface AccountName {
  readonly namespace: string;
  readonly name: string;
}

/**
 * What shards serve to the operator inside the cluster, so that the operator needs no login: the instrument master and
 * live prices of the accounts they own. Calls reject with a coded error while the shard cannot answer.
 */
export interface MarketData {
  instruments(shard: ShardIdentity, account: AccountName, signal?: AbortSignal): Promise<InstrumentMaster>;
  /** Last prices in rupees by token; a token without a price is absent. Live where streamed, else asked of the provider. */
  spot(
    shard: ShardIdentity,
    account: AccountName,
    tokens: readonly number[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<number, number>>;
}
