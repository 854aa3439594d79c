import { systemClock } from '../../runtime/clock.ts';
import type { BatchHeader } from '../delivery.ts';
import { ArrowEncoder } from '../pipeline/format/arrow.ts';
import { stampArrow } from '../pipeline/format/arrow-stream.ts';
import { assemble } from '../pipeline/format/json.ts';
import { instrumentRecord } from '../pipeline/instrument-table.ts';
import { RowBatch } from '../pipeline/row-batch.ts';
import { ticksOf } from '../pipeline/ticks.testing.ts';
import { call } from '../sinks/batches.testing.ts';
import { MemorySink } from '../sinks/memory/memory-sink.ts';
import type { LatestValue } from '../sinks/sink.ts';
import { Packet } from '../tick-columns.ts';

/** A row as a batch carries it. */
export type TestRow = Readonly<Record<string, string | number | null>> & { readonly symbol: string };

/** A memory sink with one slice that delivers to sets `default/<name>`, for tests of what reads it. */
export class TestFeed {
  readonly sink = new MemorySink({ clock: systemClock });
  #n = 0;
  readonly #seq = new Map<string, number>();
  #claim = 0;

  async claim(...setUids: string[]): Promise<void> {
    const answer = await this.sink.claim({ sliceUid: 'slice-uid', epoch: 1, above: 0, setUids });
    if (answer.kind !== 'claimed') throw new Error(answer.kind);
    this.#claim = answer.token.claim;
    this.#n = 0;
  }

  /** Publishes one batch of set `default/<name>` (its UID is `<name>-uid`), or a heartbeat where there are no rows. */
  async publish(name: string, rows: readonly TestRow[], more: Partial<BatchHeader> = {}): Promise<string> {
    return String(await this.#send(name, rows, more, (header) => assemble(header, columnsText(rows))));
  }

  /** The same in Arrow, of quotes. */
  async publishArrow(name: string, rows: readonly TestRow[], more: Partial<BatchHeader> = {}): Promise<Uint8Array> {
    const batch = new RowBatch(1000);
    const ticks = ticksOf(
      rows.map((row) => ({ token: 1, packet: Packet.quote, lastPrice: Number(row['last_price']) })),
      Math.round(systemClock.now() * 1000),
    );
    rows.forEach(({ symbol }, at) => {
      const [exchange = '', tradingsymbol = ''] = symbol.split(':');
      batch.append(ticks, at, instrumentRecord(1, exchange, tradingsymbol), false);
    });
    const body = rows.length === 0 ? new ArrowEncoder().empty() : new ArrowEncoder().columns(batch);
    return this.#send(name, rows, more, (header) => stampArrow(JSON.stringify(header), body));
  }

  async #send<T extends string | Uint8Array>(
    name: string,
    rows: readonly TestRow[],
    more: Partial<BatchHeader>,
    encode: (header: BatchHeader) => T,
  ): Promise<T> {
    const seq = (this.#seq.get(name) ?? 0) + (rows.length > 0 ? 1 : 0);
    this.#seq.set(name, seq);
    const token = { epoch: 1, claim: this.#claim };
    const header: BatchHeader = {
      v: 1,
      set: `default/${name}`,
      slice: 'default/main-0',
      shard: 'shard-0',
      ...token,
      seq,
      count: rows.length,
      time: Math.round(systemClock.now() * 1000),
      ...more,
    };
    const payload = encode(header);
    const latest: LatestValue[] = rows.map((row) => ({
      instrument: row.symbol,
      time: Number(row['receive_time'] ?? 0),
      json: JSON.stringify(row),
    }));
    const batch = { header, setUid: `${name}-uid`, channel: `ticks:default:${name}`, payload, latest };
    const answer = await this.sink.send(call('slice-uid', token, ++this.#n, batch));
    if (answer.kind !== 'written') throw new Error(answer.kind);
    return payload;
  }
}

function columnsText(rows: readonly TestRow[]): string {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return JSON.stringify(Object.fromEntries(keys.map((key) => [key, rows.map((row) => row[key] ?? null)])));
}

/** What a gateway is told of such a set. */
export function testSet(name: string) {
  return { namespace: 'default', name, uid: `${name}-uid`, channel: `ticks:default:${name}` };
}
