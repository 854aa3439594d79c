import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import { silentLogger } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { VirtualClock } from '../../../runtime/virtual-clock.ts';
import { Packet, TickColumns } from '../../tick-columns.ts';
import { describeProvider } from '../provider.contract.ts';
import type { Connection, SessionOptions } from '../provider.ts';
import { waitForReal } from '../wait-for.testing.ts';
import { createMockProvider, mockProvider } from './mock-provider.ts';

const never = new AbortController().signal;
const options = (credentials: Record<string, string> = {}): SessionOptions => ({
  account: 'default/mock',
  clock: new VirtualClock(),
  log: silentLogger,
  random: new SeededRandom(1),
  credentials,
});

describeProvider('mock', async () => ({
  provider: createMockProvider({ rate: 20 }),
  waitFor: waitForReal,
  options: { ...options(), clock: systemClock },
  stop: async () => undefined,
}));

describe('the mock provider', () => {
  /** Ticks of one virtual second as text. */
  async function record(credentials: Record<string, string>, seconds: number): Promise<string[]> {
    const clock = new VirtualClock();
    const session = createMockProvider().open({ ...options(credentials), clock });
    const { instruments } = await session.instruments(never);
    const rows: string[] = [];
    const into = new TickColumns(1000);
    const connection: Connection = await session.connect(
      {
        frame: (frame, receivedAt) => {
          into.clear();
          connection.decode(frame, 0, receivedAt, into);
          for (let row = 0; row < into.length; row++) {
            rows.push(
              [into.token[row], into.packet[row], into.lastPrice[row], into.volume[row], into.exchangeTime[row]].join(),
            );
          }
        },
        notice: () => undefined,
        closed: () => undefined,
      },
      never,
    );
    connection.subscribe(
      instruments.slice(0, 100).map(({ token }) => token),
      'full',
    );
    for (let second = 0; second < seconds; second++) await clock.advance(1000);
    await session.close();
    return rows;
  }

  it('gives the same ticks for the same seed and times, and others for another seed', async () => {
    const first = await record({ seed: '7' }, 3);
    expect(first.length).toBeGreaterThan(500);
    expect(await record({ seed: '7' }, 3)).toEqual(first);
    expect(await record({ seed: '8' }, 3)).not.toEqual(first);
  });

  it('ticks as often as the Secret says', async () => {
    const slow = (await record({ rate: '1' }, 10)).length;
    const fast = (await record({ rate: '5' }, 10)).length;
    expect(slow).toBeGreaterThan(900);
    expect(slow).toBeLessThan(1200);
    expect(fast).toBeGreaterThan(4800);
    expect(fast).toBeLessThan(5200);
  });

  it('refuses a rate that is none, without showing it', () => {
    expect(() => mockProvider.open(options({ rate: 'abc' }))).toThrow(
      expect.objectContaining({ code: 'MOCK_SETTING_INVALID', message: expect.not.stringContaining('abc') }),
    );
  });

  it('has the same master and prices in two sessions on one clock', async () => {
    const same = options();
    const [a, b] = [mockProvider.open(same), mockProvider.open(same)];
    const [first, second] = [await a.instruments(never), await b.instruments(never)];
    expect(second.instruments).toEqual(first.instruments);
    const some = first.instruments.slice(0, 50);
    expect(await a.lastPrices(some, never)).toEqual(await b.lastPrices(some, never));
  });

  it('says what was refused past the limit, and streams the rest', async () => {
    const session = createMockProvider({ extraInstruments: 2000 }).open(options());
    const { instruments } = await session.instruments(never);
    const notices: string[] = [];
    const connection = await session.connect(
      { frame: () => undefined, notice: ({ text }) => notices.push(text), closed: () => undefined },
      never,
    );
    connection.subscribe(
      instruments.slice(0, 3001).map(({ token }) => token),
      'ltp',
    );
    expect(notices).toEqual(['the limit of 3000 instruments is reached: 1 not subscribed']);
    connection.close();
  });

  it('keeps the packet kinds of indices', async () => {
    const rows = await record({}, 1);
    expect(rows.some((row) => row.split(',')[1] === String(Packet.indexFull))).toBe(true);
    expect(rows.some((row) => row.split(',')[1] === String(Packet.full))).toBe(true);
  });
});
