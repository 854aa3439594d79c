import { type BatchHeader, deliveryVersion } from '../../delivery.ts';
import { Packet } from '../../tick-columns.ts';
import { instrumentRecord } from '../instrument-table.ts';
import { RowBatch } from '../row-batch.ts';
import { tenOClock, ticksOf } from '../ticks.testing.ts';
import { ArrowEncoder } from './arrow.ts';
import { stampArrow } from './arrow-stream.ts';
import { assemble, JsonEncoder } from './json.ts';

const rows = 300;
const records = Array.from({ length: rows }, (_, i) => instrumentRecord(i, 'NFO', `S${i}`));

function fill(batch: RowBatch): void {
  records.forEach((record, i) => {
    const packet = i % 5 === 0 ? Packet.quote : Packet.full;
    const times = { lastTradeTime: i % 3 === 0 ? 0 : tenOClock };
    const ticks = ticksOf([{ token: i, packet, lastPrice: 100 + i, volume: 30_000_000 * i, ...times }]);
    const greeks = Float64Array.from([1, 2, 3, 4, 5, 6], (greek) => (i % 7 === 0 ? Number.NaN : i + greek / 8));
    batch.append(ticks, 0, record, false, greeks);
  });
}

/** One batch, with columns that have nulls, in both formats; in Arrow it was gathered where its body is. */
export function laidOutPayloads(): { readonly arrow: Uint8Array; readonly json: Uint8Array } {
  const batch = new RowBatch(rows);
  const encoder = new ArrowEncoder();
  for (let before = 0; before < 2; before++) {
    fill(batch);
    encoder.columns(batch);
    batch.clear();
  }
  fill(batch);
  const where = { set: 'default/nifty', slice: 'default/a-0', shard: 'shard-0', epoch: 3, claim: 1, seq: 3 };
  const header: BatchHeader = { v: deliveryVersion, ...where, count: rows, time: tenOClock };
  const json = assemble(header, new JsonEncoder().columns(batch));
  const memory = batch.columns.lastPrice.buffer;
  const body = encoder.columns(batch);
  if (body.buffer !== memory) throw new Error('the batch was copied');
  return { arrow: stampArrow(JSON.stringify(header), body), json };
}
