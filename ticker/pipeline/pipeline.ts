import { TickColumns } from '../tick-columns.ts';
import { AccountSlice, type Shared } from './account-slice.ts';
import { Encoders } from './format/encoders.ts';
import { InstrumentTable } from './instrument-table.ts';

/** Rows decoded at once; a longer frame is taken in several chunks. */
const chunkRows = 512;

/**
 * The pipelines of one account's slices, which share its instruments' prices: an option on one connection is enriched
 * with its underlying's price from another.
 */
export interface AccountPipeline {
  /** The slice's pipeline; made when first asked for. */
  slice(key: string): AccountSlice;
  /** Forgets a slice. Take its last batches before. */
  remove(key: string): void;
  /** Last sane price in rupees of an instrument that some slice streams; undefined until there is one. */
  priceOf(token: number): number | undefined;
}

/** What holds nothing between two calls: one for all accounts, for there is one thread. */
let scratch: Pick<Shared, 'ticks' | 'encoders'> | undefined;

export function createAccountPipeline(): AccountPipeline {
  scratch ??= { ticks: new TickColumns(chunkRows), encoders: new Encoders() };
  const table = new InstrumentTable();
  const shared: Shared = { ...scratch, table };
  const slices = new Map<string, AccountSlice>();
  return {
    slice(key) {
      let slice = slices.get(key);
      if (slice === undefined) {
        slice = new AccountSlice(shared);
        slices.set(key, slice);
      }
      return slice;
    },
    remove(key) {
      slices.get(key)?.close();
      slices.delete(key);
    },
    priceOf: (token) => table.priceOf(token),
  };
}
