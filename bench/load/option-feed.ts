import type { InstrumentGroup } from '../../crds/index.ts';
import { packetBytes } from '../../ticker/providers/kite/simulator/encoder.ts';
import { record } from '../end-to-end/recording.ts';
import type { FeedPlan, SliceFeed } from './messages.ts';

/** Options that the broker's limit of 3,000 instruments a connection leaves room for, beside their underlyings. */
export const optionsPerSlice = 2_900;
/** High bits of the first option's token. */
const firstToken = 100_000;
/** Bytes of the largest frame. */
const frameCapacity = 64 * 1024;
/** Where a packet has these fields; all are 32 bits. */
const at = { token: 0, lastQuantity: 8, volume: 16, lastTradeTime: 44, exchangeTime: 60, indexTime: 28 } as const;

/** Units of the time of sending that a tick carries as its last quantity: 10 µs. */
export const stampMicros = 10;

interface Round {
  readonly underlyings: readonly Uint8Array[];
  readonly options: readonly Uint8Array[];
}

/** The option whose packets a number of instruments share, and what a slice says of it. */
interface Model extends Omit<InstrumentGroup, 'instruments' | 'sets' | 'mode'> {
  readonly token: number;
  readonly symbol: string;
  readonly strike: number;
  readonly type: 'CE' | 'PE';
}

/** Which instrument a token is; the inverse of what {@link OptionFeed} gives out. */
export function instrumentOf(token: number): number {
  return (token >>> 8) - firstToken;
}

/**
 * Ticks of any number of index options, made from one recorded pass of the simulated market, whose prices, depth and
 * Greeks they have. Each can be told from every other: `volume` counts the instrument's ticks from 1, and
 * `last_quantity` says when it was sent.
 */
export class OptionFeed {
  readonly slices: readonly SliceFeed[];
  readonly #rounds: readonly Round[];
  readonly #models: readonly Model[];
  readonly #buffer = Buffer.alloc(frameCapacity);

  /** @param time milliseconds since the epoch at which the recording begins */
  constructor(plan: FeedPlan, time: number) {
    const { frames, packets, groups } = record(plan.mode, time);
    const underlyings = groups.filter(({ sets }) => sets.length === 0);
    this.#rounds = roundsOf(frames, packets, underlyings.length);
    this.#models = modelsOf(groups, this.#rounds[0]!.options);
    const slices: SliceFeed[] = [];
    const { perConnection = optionsPerSlice } = plan;
    for (let first = 0; first < plan.instruments; first += perConnection) {
      const count = Math.min(perConnection, plan.instruments - first);
      const options = this.#groups(first, count, plan.mode);
      slices.push({ uid: `slice-${slices.length}`, first, count, groups: [...options, ...underlyings] });
    }
    this.slices = slices;
  }

  /**
   * One frame of ticks `from` to at most `to` of a slice. The prices of the underlyings come first where a new round of
   * prices begins, and where `opening`.
   */
  frame(slice: SliceFeed, from: number, to: number, opening: boolean, stamp: number): { frame: Buffer; to: number } {
    const buffer = this.#buffer;
    const seconds = Math.floor((performance.timeOrigin + performance.now()) / 1000);
    let length = 2;
    let count = 0;
    const copy = (packet: Uint8Array): number => {
      buffer.writeUInt16BE(packet.length, length);
      buffer.set(packet, length + 2);
      const start = length + 2;
      length = start + packet.length;
      count++;
      return start;
    };
    let tick = from;
    for (; tick < to; tick++) {
      const pass = Math.floor(tick / slice.count);
      const local = tick - pass * slice.count;
      const { underlyings, options } = this.#rounds[pass % this.#rounds.length]!;
      const heads = local === 0 || (opening && tick === from);
      const room = (packetBytes.full + 2) * (1 + (heads ? underlyings.length : 0));
      if (length + room > frameCapacity) break;
      if (heads) {
        for (const packet of underlyings) {
          const start = copy(packet);
          if (packet.length === packetBytes.indexFull) buffer.writeUInt32BE(seconds, start + at.indexTime);
        }
      }
      const instrument = slice.first + local;
      const packet = options[instrument % options.length]!;
      const start = copy(packet);
      buffer.writeUInt32BE(this.#tokenOf(instrument), start + at.token);
      buffer.writeInt32BE(stamp, start + at.lastQuantity);
      buffer.writeInt32BE(pass + 1, start + at.volume);
      if (packet.length === packetBytes.full) {
        buffer.writeInt32BE(seconds, start + at.lastTradeTime);
        buffer.writeInt32BE(seconds, start + at.exchangeTime);
      }
    }
    buffer.writeInt16BE(count, 0);
    return { frame: Buffer.from(buffer.subarray(0, length)), to: tick };
  }

  /** The lowest byte is the segment, by which prices are read. */
  #tokenOf(instrument: number): number {
    const model = this.#models[instrument % this.#models.length]!;
    return (((firstToken + instrument) << 8) | (model.token & 0xff)) >>> 0;
  }

  #groups(first: number, count: number, mode: FeedPlan['mode']): InstrumentGroup[] {
    const groups = new Map<string, InstrumentGroup>();
    for (let instrument = first; instrument < first + count; instrument++) {
      const model = this.#models[instrument % this.#models.length]!;
      const copy = Math.floor(instrument / this.#models.length);
      const { exchange, underlying, expiry, symbol, strike, type } = model;
      const key = `${exchange} ${underlying} ${expiry}`;
      const group = groups.get(key) ?? { exchange, underlying, expiry, mode, sets: [0], instruments: [] };
      groups.set(key, group as InstrumentGroup);
      const name = copy === 0 ? symbol : `${symbol}-${copy}`;
      group.instruments.push({ token: this.#tokenOf(instrument), symbol: name, strike, type });
    }
    return [...groups.values()];
  }
}

function roundsOf(
  frames: readonly Uint8Array[],
  packets: readonly { readonly all: number }[],
  underlyings: number,
): Round[] {
  const rounds: Round[] = [];
  let current: Uint8Array[] = [];
  const seal = (): void => {
    rounds.push({ underlyings: current.slice(0, underlyings), options: current.slice(underlyings) });
    current = [];
  };
  let first: number | undefined;
  frames.forEach((frame, index) => {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    let offset = 2;
    for (let packet = 0; packet < packets[index]!.all; packet++) {
      const length = view.getUint16(offset);
      const token = view.getUint32(offset + 2);
      first ??= token;
      // Every round begins with the same underlying.
      if (token === first && current.length > 0) seal();
      current.push(frame.slice(offset + 2, offset + 2 + length));
      offset += 2 + length;
    }
  });
  seal();
  return rounds;
}

function modelsOf(groups: readonly InstrumentGroup[], options: readonly Uint8Array[]): Model[] {
  const byToken = new Map<number, Model>();
  for (const { exchange, underlying, expiry, instruments } of groups) {
    for (const { token, symbol, strike, type } of instruments) {
      if (type === undefined || strike === undefined || underlying === undefined || expiry === undefined) continue;
      byToken.set(token, { exchange, underlying, expiry, token, symbol, strike, type });
    }
  }
  return options.map((packet) => {
    const token = new DataView(packet.buffer, packet.byteOffset).getUint32(0);
    const model = byToken.get(token);
    if (model === undefined) throw new Error(`the recording has a packet of ${token}, which no group names`);
    return model;
  });
}
