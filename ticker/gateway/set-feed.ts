import type { Clock } from '../../runtime/clock.ts';
import { describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import { barsChannel, barsUid, isBarsUid } from '../bars/bar-set.ts';
import { arrowHeaderText } from '../pipeline/format/arrow-stream.ts';
import type { Published, SinkReader, Unsubscribe } from '../sinks/reader.ts';
import { subscribeSet } from '../sinks/set-subscription.ts';
import { type Missed, readMissed } from './missed.ts';
import { type Position, placeOf } from './position.ts';
import type { Frame, StreamClient } from './stream-client.ts';

/** A set as the gateway knows it. */
export interface GatewaySet {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Full name of the channel, or what stands for those of its slices; absent where the set does not publish. */
  readonly channel?: string;
  /** It delivers bars too. */
  readonly bars?: boolean;
}

/** A set's bars, as a set of their own; undefined where it delivers none. */
export function barsOf({ bars, channel, ...set }: GatewaySet): GatewaySet | undefined {
  if (bars !== true) return undefined;
  return { ...set, uid: barsUid(set.uid), ...(channel === undefined ? {} : { channel: barsChannel(channel) }) };
}

/** `namespace/name` */
export function setName(set: GatewaySet): string {
  return `${set.namespace}/${set.name}`;
}

/** Newest row of each instrument of a set as `{"NSE:INFY":{…},…}`. Rows are JSON already. */
export async function latestRows(reader: SinkReader, set: GatewaySet): Promise<string> {
  const rows = await reader.latest(set.uid);
  const parts: string[] = [];
  for (const [instrument, json] of rows) parts.push(`${JSON.stringify(instrument)}:${json}`);
  return `{${parts.join(',')}}`;
}

/** One subscription at the sink, shared by all clients of a set. */
export class SetFeed {
  readonly set: GatewaySet;
  readonly clients = new Set<StreamClient>();
  /** Streams that are open or being opened; the subscription ends with the last. */
  holds = 0;
  readonly #reader: SinkReader;
  readonly #clock: Clock;
  readonly #log: Logger;
  #waiting: StreamClient[] = [];
  #reading = false;
  #unsubscribe: Promise<Unsubscribe> | undefined;

  constructor(set: GatewaySet, options: { readonly reader: SinkReader; readonly clock: Clock; readonly log: Logger }) {
    this.set = set;
    this.#reader = options.reader;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Subscribes, once for all that wait; rejects with the sink's error. */
  async open(channel: string): Promise<void> {
    this.#unsubscribe ??= subscribeSet({
      reader: this.#reader,
      clock: this.#clock,
      log: this.#log,
      setUid: this.set.uid,
      channel,
      deliver: (message) => this.#publish(message),
    });
    try {
      await this.#unsubscribe;
    } catch (error) {
      this.#unsubscribe = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    const unsubscribe = this.#unsubscribe;
    this.#unsubscribe = undefined;
    try {
      await (await unsubscribe)?.();
    } catch (error) {
      this.#log.debug({ event: 'gateway.unsubscribe', set: setName(this.set) }, describeError(error));
    }
  }

  /**
   * Gives `client` the latest values, read after this call. One read runs at a time, however many ask.
   */
  readonly wantSnapshot = (client: StreamClient): void => {
    this.#waiting.push(client);
    if (!this.#reading) void this.#readLatest();
  };

  /** Gives `client` what it has missed since `from`; of slices for which that cannot be told, the latest values first. */
  async resume(client: StreamClient, from: ReadonlyMap<string, Position>): Promise<void> {
    try {
      const slices = new Set([...(await this.#reader.slices(this.set.uid)), ...from.keys()]);
      const missed = await Promise.all([...slices].map((slice) => this.#missed(slice, from.get(slice))));
      const told = missed.map(({ slice, payloads, whole }) => ({ slice, batches: payloads.length, whole }));
      const head = headOf('resumed', this.set, this.#clock.now());
      const texts = [JSON.stringify({ ...head, slices: told })];
      if (missed.some(({ whole }) => !whole)) {
        texts.push(snapshotText(this.set, this.#clock.now(), await latestRows(this.#reader, this.set)));
      }
      const last = missed.flatMap(({ slice, payloads }): [string, Position][] => {
        const at = payloads.length === 0 ? from.get(slice) : placeOf(payloads.at(-1) ?? '');
        return at === undefined ? [] : [[slice, at]];
      });
      client.resume(
        texts,
        missed.flatMap(({ payloads }) => payloads.map(toFrame)),
        new Map(last),
      );
    } catch (error) {
      this.#log.warn({ event: 'gateway.resume', set: setName(this.set) }, describeError(error));
      client.close(1013, 'what was missed cannot be read now');
    }
  }

  async #missed(slice: string, from: Position | undefined): Promise<Missed> {
    if (from === undefined) return { slice, payloads: [], whole: false };
    return readMissed(this.#reader, slice, this.set.uid, from);
  }

  async #readLatest(): Promise<void> {
    this.#reading = true;
    while (this.#waiting.length > 0) {
      const clients = this.#waiting;
      this.#waiting = [];
      try {
        const rows = await latestRows(this.#reader, this.set);
        const text = snapshotText(this.set, this.#clock.now(), rows);
        for (const client of clients) client.snapshot(text);
      } catch (error) {
        this.#log.warn({ event: 'gateway.latest', set: setName(this.set) }, describeError(error));
        // 1013, "try again later": without the latest values its reader would take old rows for new.
        for (const client of clients) client.close(1013, 'the latest values cannot be read now');
      }
    }
    this.#reading = false;
  }

  #publish(message: Published): void {
    const frame = toFrame(message.payload);
    for (const client of this.clients) client.publish(frame);
  }
}

function snapshotText(set: GatewaySet, now: number, rows: string): string {
  const head = JSON.stringify(headOf('snapshot', set, now));
  return `${head.slice(0, -1)},"rows":${rows}}`;
}

function headOf(type: 'snapshot' | 'resumed', set: GatewaySet, now: number) {
  const kind = isBarsUid(set.uid) ? { kind: 'bars' } : {};
  return { type, v: 1, set: setName(set), ...kind, time: Math.round(now * 1000) };
}

/** The header comes first in a batch's text, and neither names nor numbers before `count` are longer than this. */
const headerRoom = 1500;

function toFrame(payload: string | Uint8Array): Frame {
  if (typeof payload === 'string') {
    return { data: Buffer.from(payload), binary: false, ticks: countIn(payload.slice(0, headerRoom)) };
  }
  const data = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  return { data, binary: true, ticks: binaryCount(payload) };
}

function countIn(header: string): number | undefined {
  const count = /"count":(\d+)/.exec(header)?.[1];
  return count === undefined ? undefined : Number(count);
}

/** Ticks of a batch in Arrow; what is none is passed on as it is. */
function binaryCount(payload: Uint8Array): number | undefined {
  try {
    return countIn(arrowHeaderText(payload));
  } catch {
    return undefined;
  }
}
