import { KiteTicker } from 'kiteconnect';
import { KiteDecoder } from '../ticker/providers/kite/decoder.ts';
import { TickColumns } from '../ticker/tick-columns.ts';
import { type RecordedMode, record } from './end-to-end/recording.ts';
import { cpuPerItem } from './measure.ts';

export interface DecoderResult {
  readonly mode: RecordedMode;
  /** CPU nanoseconds a packet. */
  readonly ours: number;
  readonly kiteconnect: number;
}

/** Our decoder and the official client's parser on the same frames. */
export function measureDecoder(mode: RecordedMode, now: number, milliseconds: number): DecoderResult {
  const { frames, packets } = record(mode, now);
  const count = packets.reduce((sum, { all }) => sum + all, 0);
  const columns = new TickColumns(512);
  const decoder = new KiteDecoder();
  const ours = (): number => {
    for (const frame of frames) {
      let offset = 0;
      do {
        columns.clear();
        offset = decoder.decode(frame, offset, now * 1000, columns);
      } while (offset >= 0);
    }
    return count;
  };
  const parse = officialParser();
  let next = 0;
  const theirs = (): number => {
    const at = next++ % frames.length;
    const ticks = parse(frames[at]!.buffer as ArrayBuffer);
    if (ticks.length !== packets[at]!.all) throw new Error(`kiteconnect read ${ticks.length} of ${packets[at]!.all}`);
    return ticks.length;
  };
  cpuPerItem(milliseconds / 2, ours);
  cpuPerItem(milliseconds / 4, theirs);
  return { mode, ours: cpuPerItem(milliseconds, ours), kiteconnect: cpuPerItem(milliseconds, theirs) };
}

/** Its type declarations leave it out. */
function officialParser(): (frame: ArrayBuffer) => object[] {
  const ticker: object = new KiteTicker({ api_key: 'key', access_token: 'token' });
  const parse: unknown = Reflect.get(ticker, 'parseBinary');
  if (typeof parse !== 'function') throw new Error('kiteconnect has no parseBinary');
  return (frame) => parse(frame) as object[];
}
