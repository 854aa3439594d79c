import type { Mode, SubscriptionSliceSpec } from '../../crds/index.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { createAccountPipeline } from '../../ticker/pipeline/pipeline.ts';
import { KiteDecoder } from '../../ticker/providers/kite/decoder.ts';
import { FrameEncoder, type PacketKind } from '../../ticker/providers/kite/simulator/encoder.ts';
import { packetKind, wireFields } from '../../ticker/providers/kite/simulator/wire-quote.ts';
import { Market, type MarketSnapshot } from '../../ticker/providers/mock/market/market.ts';
import { indianHours, type MarketHours } from '../../ticker/providers/mock/market/sessions.ts';
import type { MarketInstrument } from '../../ticker/providers/mock/market/universe.ts';
import type { Figure } from '../goals.ts';

/** What became of the ticks of a market in which nothing is wrong. */
export interface Clean {
  readonly ticks: number;
  readonly byPacket: Readonly<Partial<Record<PacketKind, number>>>;
  /** Kept out of the set, and of these by rule; and of tokens that the slice does not know. */
  readonly rejected: number;
  readonly byRule: Readonly<Record<string, number>>;
  readonly unknown: number;
}

const modes: readonly Mode[] = ['ltp', 'quote', 'full'];
const hours: readonly MarketHours[] = ['always', indianHours];
/** A Monday, 15:25 in Kolkata: five minutes before the close, and so every night, open and close within a day. */
const start = Date.UTC(2026, 0, 5, 9, 55);
/** Milliseconds of market time that are streamed: two nights. */
const span = 48 * 3_600_000;
/** Milliseconds between rounds; each fourth is as long as it takes to get through the span. */
const steps = [250, 1_000, 7_919];
/** Instruments of each segment and type, spread over strikes and expiries. */
const ofEach = 12;
const frameCapacity = 1 << 20;

/**
 * Streams the simulated market over the broker's wire format into a pipeline that enforces every rule that it usually
 * enforces: every segment, type and packet, in and out of hours, until there are so many ticks.
 */
export function streamCleanMarket(ticks: number): Clean {
  const byPacket: Partial<Record<PacketKind, number>> = {};
  const byRule: Record<string, number> = {};
  let [received, rejected, unknown] = [0, 0, 0];
  for (const schedule of hours) {
    for (const mode of modes) {
      const market = new Market({ random: new SeededRandom(17), hours: schedule });
      const instruments = choose(market.advance(start));
      const slice = createAccountPipeline().slice('clean');
      slice.configure(specOf(instruments, mode));
      const decoder = new KiteDecoder();
      const encoder = new FrameEncoder(frameCapacity);
      const share = ticks / (hours.length * modes.length);
      const long = (span * (steps.length + 1) * instruments.length) / share;
      for (let time = start, round = 0; slice.counters.received < share; round++) {
        time += steps[round % (steps.length + 1)] ?? long;
        const snapshot = market.advance(time);
        for (const { token } of instruments) {
          const quote = snapshot.quote(token);
          if (quote === undefined) continue;
          const kind = packetKind(quote, mode);
          encoder.add(kind, wireFields(quote, kind));
          byPacket[kind] = (byPacket[kind] ?? 0) + 1;
        }
        slice.frame(decoder, encoder.take(), time * 1000);
        slice.take(time, true);
      }
      received += slice.counters.received;
      rejected += slice.counters.invalid;
      unknown += slice.counters.unknown;
      for (const [rule, count] of slice.counters.byRule) byRule[rule] = (byRule[rule] ?? 0) + count;
    }
  }
  return { ticks: received, byPacket, rejected, byRule, unknown };
}

function choose(snapshot: MarketSnapshot): MarketInstrument[] {
  const byType = Map.groupBy(snapshot.universe.instruments, ({ segment, type }) => `${segment} ${type}`);
  return [...byType.values()].flatMap((list) => {
    const every = Math.max(1, Math.floor(list.length / ofEach));
    return list.filter((_, at) => at % every === 0);
  });
}

function specOf(instruments: readonly MarketInstrument[], mode: Mode): SubscriptionSliceSpec {
  return {
    account: 'clean',
    connection: 0,
    login: { provider: 'kite' },
    suspended: false,
    epoch: 1,
    sets: [
      {
        namespace: 'default',
        name: 'clean',
        uid: 'clean',
        channel: 'ticks:default:clean',
        validation: { action: 'enforce' },
        delivery: {
          format: 'json',
          pubsub: false,
          sharded: false,
          latest: false,
          window: 100,
          maxTicks: 1000,
          conflate: false,
        },
      },
    ],
    groups: instruments.map(({ exchange, token, symbol, type, strike, expiry }) => ({
      exchange,
      mode,
      sets: [0],
      ...(expiry === undefined ? {} : { expiry }),
      instruments: [{ token, symbol, ...(type === 'CE' || type === 'PE' ? { type, strike } : {}) }],
    })),
  };
}

export function cleanFigures({ ticks, byPacket, rejected, byRule, unknown }: Clean): Figure[] {
  const kinds = Object.entries(byPacket).map(([kind, count]) => `${kind} ${count.toLocaleString('en-US')}`);
  const reported = Object.entries(byRule).map(([rule, count]) => `${rule} ${count}`);
  return [
    { name: 'clean market: ticks', value: ticks, unit: 'ticks', detail: kinds.join(', ') },
    {
      name: 'clean market: false rejects',
      value: rejected + unknown,
      unit: 'ticks',
      detail: `breaches of rules that only report: ${reported.join(', ') || 'none'}`,
      goal: { kind: 'exactly', value: 0 },
      checked: true,
    },
  ];
}
