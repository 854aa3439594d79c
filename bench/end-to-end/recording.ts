import type { InstrumentGroup } from '../../crds/index.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { FrameEncoder } from '../../ticker/providers/kite/simulator/encoder.ts';
import { packetKind, wireFields } from '../../ticker/providers/kite/simulator/wire-quote.ts';
import { Market, type MarketSnapshot } from '../../ticker/providers/mock/market/market.ts';
import type { MarketInstrument } from '../../ticker/providers/mock/market/universe.ts';

/** Options in a recording, and how often each ticks in one pass of it. */
const options = 1000;
const rounds = 40;
/** Milliseconds of market time between two rounds. */
const step = 250;
/** Bytes of a frame, as the simulated broker sends them. */
const frameCapacity = 64 * 1024;

/** Frames of a market, ready to be sent. */
export interface Recording {
  readonly frames: readonly Uint8Array[];
  /** Packets in each frame, and of these the ones of an underlying. */
  readonly packets: readonly { readonly all: number; readonly underlyings: number }[];
  readonly groups: readonly InstrumentGroup[];
}

export type RecordedMode = 'full' | 'quote';

/**
 * One pass of the simulated market: index options, the nearest to the money first, and their underlyings, priced off a
 * volatility surface, with depth, volume and open interest that agree with each other. Same time, same frames.
 *
 * @param time when it begins, milliseconds since the epoch
 */
export function record(mode: RecordedMode, time: number): Recording {
  const market = new Market({ random: new SeededRandom(11) });
  const chosen = choose(market.advance(time));
  const underlyings = [...new Set(chosen.map(({ underlying }) => underlying))];
  const frames: Uint8Array[] = [];
  const packets: { all: number; underlyings: number }[] = [];
  const encoder = new FrameEncoder(frameCapacity);
  let indices = 0;
  const seal = (): void => {
    packets.push({ all: encoder.count, underlyings: indices });
    frames.push(encoder.take());
    indices = 0;
  };
  for (let round = 0; round < rounds; round++) {
    const snapshot = market.advance(time + round * step);
    const tokens = [...underlyings, ...chosen.map(({ option }) => option.token)];
    tokens.forEach((token, at) => {
      const quote = snapshot.quote(token);
      if (quote === undefined) throw new Error(`the market has no quote of ${token}`);
      const kind = packetKind(quote, mode);
      const fields = wireFields(quote, kind);
      if (!encoder.add(kind, fields)) {
        seal();
        encoder.add(kind, fields);
      }
      if (at < underlyings.length) indices++;
    });
    seal();
  }
  return { frames, packets, groups: groupsOf(chosen, underlyings, market.advance(time), mode) };
}

interface Chosen {
  readonly option: MarketInstrument;
  /** Token. */
  readonly underlying: number;
}

function choose(snapshot: MarketSnapshot): Chosen[] {
  const candidates: (Chosen & { distance: number })[] = [];
  for (const option of snapshot.universe.instruments) {
    if ((option.type !== 'CE' && option.type !== 'PE') || option.expiresAt - snapshot.time < 86_400_000) continue;
    const underlying = snapshot.universe.byName.get(option.underlying.key);
    if (underlying?.type !== 'INDEX') continue;
    const spot = snapshot.quote(underlying.token)!.lastPrice;
    const distance = Math.abs(Math.log(option.strike! / spot));
    // A price of a few ticks says little of a volatility.
    if (snapshot.quote(option.token)!.lastPrice < 1) continue;
    candidates.push({ option, underlying: underlying.token, distance });
  }
  const chosen = candidates.sort((a, b) => a.distance - b.distance).slice(0, options);
  if (chosen.length < options) throw new Error(`the market has ${chosen.length} index options, not ${options}`);
  return chosen;
}

function groupsOf(
  chosen: readonly Chosen[],
  underlyings: readonly number[],
  snapshot: MarketSnapshot,
  mode: RecordedMode,
): InstrumentGroup[] {
  const groups = new Map<string, InstrumentGroup>();
  for (const { option, underlying } of chosen) {
    const key = `${underlying} ${option.exchange} ${option.expiry}`;
    const group = groups.get(key);
    const instrument = {
      token: option.token,
      symbol: option.symbol,
      strike: option.strike!,
      type: option.type as 'CE' | 'PE',
    };
    if (group === undefined) {
      groups.set(key, {
        exchange: option.exchange,
        mode,
        sets: [0],
        underlying,
        expiry: option.expiry!,
        instruments: [instrument],
      });
    } else group.instruments.push(instrument);
  }
  for (const token of underlyings) {
    const { exchange, symbol } = snapshot.universe.byToken.get(token)!;
    groups.set(String(token), { exchange, mode, sets: [], instruments: [{ token, symbol }] });
  }
  return [...groups.values()];
}

/** The same packets, so many in a frame. Those of underlyings come first, in a frame of their own. */
export function inFrames({ frames, packets, groups }: Recording, size: number): Recording {
  const cut: Uint8Array[] = [];
  const counts: { all: number; underlyings: number }[] = [];
  frames.forEach((frame, index) => {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    const { all, underlyings } = packets[index]!;
    let at = 2;
    for (let done = 0; done < all; ) {
      const leading = underlyings - done;
      const count = leading > 0 ? leading : Math.min(size, all - done);
      const from = at;
      for (let i = 0; i < count; i++) at += 2 + view.getUint16(at);
      const part = new Uint8Array(2 + at - from);
      new DataView(part.buffer).setUint16(0, count);
      part.set(frame.subarray(from, at), 2);
      cut.push(part);
      counts.push({ all: count, underlyings: Math.max(0, leading) });
      done += count;
    }
  });
  return { frames: cut, packets: counts, groups };
}
