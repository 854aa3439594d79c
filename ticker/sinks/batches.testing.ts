import type { Token } from '../../crds/index.ts';
import type { BatchHeader } from '../delivery.ts';
import type { Call, SealedBatch } from './sink.ts';

/** A sealed batch of set `setUid` for tests: its payload is the header as JSON; `count` 0 makes it a heartbeat. */
export function batch(
  setUid: string,
  token: Token,
  seq: number,
  more: Partial<Omit<SealedBatch, 'header'>> & { readonly header?: Partial<BatchHeader> } = {},
): SealedBatch {
  const header: BatchHeader = {
    v: 1,
    set: `default/${setUid}`,
    slice: 'default/slice',
    shard: 'shard-0',
    epoch: token.epoch,
    claim: token.claim,
    seq,
    count: 1,
    time: 1_767_585_600_000_000 + seq,
    ...more.header,
  };
  return {
    setUid,
    channel: `ticks:default:${setUid}`,
    streamMaxLength: 1000,
    payload: JSON.stringify(header),
    ...more,
    header,
  };
}

/** Call number `n` of a token with these batches. */
export function call(sliceUid: string, token: Token, n: number, ...batches: SealedBatch[]): Call {
  return { sliceUid, token, n, batches };
}
