import type { SliceSet } from '../../crds/index.ts';
import type { TickColumns } from '../tick-columns.ts';
import type { JsonEncoder } from './format/json.ts';
import type { GatheredBatch } from './gathered-batch.ts';
import type { InstrumentRecord } from './instrument-table.ts';
import { RowBatch } from './row-batch.ts';
import { type RulePolicy, rulePolicy } from './validation/policy.ts';

/** Milliseconds by which a receive time may be ahead of the caller's clock. */
const clockSlack = 1000;

/** Gathers one set's rows of one slice until its window ends or it is full. */
export class SetBatcher {
  readonly uid: string;
  /** How the set wants rows judged. */
  policy: RulePolicy;
  #delivery: SliceSet['delivery'];
  #rows: RowBatch;
  /** End of the open window in milliseconds since the epoch; infinite while it is empty. */
  due = Number.POSITIVE_INFINITY;
  readonly #encoder: JsonEncoder;

  constructor(set: SliceSet, encoder: JsonEncoder) {
    this.uid = set.uid;
    this.policy = rulePolicy(set.validation);
    this.#delivery = set.delivery;
    this.#rows = new RowBatch(set.delivery.maxTicks);
    this.#encoder = encoder;
  }

  get empty(): boolean {
    return this.#rows.length === 0;
  }

  /** Whether the window has ended at `now`, or began after it: the wall clock was set back. */
  isDue(now: number): boolean {
    return !this.empty && (now >= this.due || now < this.due - this.#delivery.window - clockSlack);
  }

  /** Takes over changed settings; returns what was gathered under the old ones, where they no longer fit. */
  configure(set: SliceSet): GatheredBatch | undefined {
    this.policy = rulePolicy(set.validation);
    const { maxTicks, window, latest } = this.#delivery;
    const next = set.delivery;
    if (next.maxTicks === maxTicks && next.window === window && next.latest === latest) return undefined;
    const gathered = this.empty ? undefined : this.seal();
    if (next.maxTicks !== maxTicks) this.#rows = new RowBatch(next.maxTicks);
    this.#delivery = next;
    return gathered;
  }

  /** Takes a row; returns the batch where that filled it. */
  add(
    ticks: TickColumns,
    row: number,
    record: InstrumentRecord,
    cached: boolean,
    greeks: Float64Array | undefined,
  ): GatheredBatch | undefined {
    const ends = ticks.receiveTime[row]! / 1000 + this.#delivery.window;
    // An earlier end than that of the open window: the wall clock was set back.
    if (ends < this.due) this.due = ends;
    this.#rows.append(ticks, row, record, cached, greeks);
    return this.#rows.full ? this.seal() : undefined;
  }

  /** Encodes what was gathered and starts anew. */
  seal(): GatheredBatch {
    const rows = this.#rows;
    const times = rows.columns.receiveTime;
    const exchangeDelay = rows.exchangeDelay();
    const encoder = this.#encoder;
    const body = encoder.columns(rows);
    const batch: GatheredBatch = {
      setUid: this.uid,
      count: rows.length,
      body,
      release: () => encoder.release(body),
      latest: this.#delivery.latest ? encoder.latest(rows) : [],
      firstReceived: times[0]!,
      lastReceived: times[rows.length - 1]!,
      ...(exchangeDelay === undefined ? {} : { exchangeDelay }),
    };
    rows.clear();
    this.due = Number.POSITIVE_INFINITY;
    return batch;
  }
}
