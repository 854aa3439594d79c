import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Instrument, InstrumentMaster } from '../../cluster/market-data.ts';
import type { Mode } from '../../crds/index.ts';
import { Packet } from '../tick-columns.ts';
import type { Connection, Provider, ProviderSession, SessionOptions } from './provider.ts';
import { Recorder } from './recorder.testing.ts';
import type { WaitFor } from './wait-for.testing.ts';

/** A provider to try, with a market behind it that ticks every instrument again and again. */
export interface ProviderUnderTest {
  readonly provider: Provider;
  readonly waitFor: WaitFor;
  /** A login that works. */
  readonly options: SessionOptions;
  /** A login that the broker refuses; absent where any is accepted. */
  readonly refused?: SessionOptions;
  stop(): Promise<void>;
}

const never = new AbortController().signal;

/** What every provider promises: see the interfaces in `provider.ts`. */
export function describeProvider(name: string, make: () => Promise<ProviderUnderTest>): void {
  describe(`provider ${name}`, () => {
    let subject: ProviderUnderTest;
    let session: ProviderSession;
    let master: InstrumentMaster;
    let equities: readonly Instrument[];
    let index: Instrument;
    let option: Instrument;

    beforeAll(async () => {
      subject = await make();
      session = subject.provider.open(subject.options);
      master = await session.instruments(never);
      equities = master.instruments.filter(({ type, exchange }) => type === 'EQ' && exchange === 'NSE').slice(0, 4);
      index = master.instruments.find(({ type }) => type === 'INDEX')!;
      option = master.instruments.find(({ type }) => type === 'CE')!;
    });
    afterAll(async () => {
      await session.close();
      await subject.stop();
    });

    const tokens = (...which: number[]): number[] => which.map((n) => equities[n]!.token);

    async function connect(): Promise<[Connection, Recorder]> {
      const recorder = new Recorder();
      const connection = await session.connect(recorder, never);
      recorder.connection = connection;
      return [connection, recorder];
    }

    describe('login', () => {
      it('says which keys the Secret lacks', () => {
        for (const key of subject.provider.credentialKeys) {
          const { [key]: _left, ...credentials } = subject.options.credentials;
          expect(() => subject.provider.open({ ...subject.options, credentials })).toThrow(
            expect.objectContaining({
              code: 'PROVIDER_CREDENTIALS_MISSING',
              persistence: 'terminal',
              message: expect.stringContaining(key),
            }),
          );
        }
      });

      it('proves good credentials, and refuses others for good and without showing them', async () => {
        await session.login(never);
        if (subject.refused === undefined) return;
        const other = subject.provider.open(subject.refused);
        for (const call of [other.login(never), other.connect(new Recorder(), never)]) {
          const error: unknown = await call.catch((thrown: unknown) => thrown);
          expect(error).toMatchObject({ code: 'PROVIDER_CREDENTIALS_REFUSED', persistence: 'terminal' });
          for (const secret of Object.values(subject.refused.credentials)) expect(String(error)).not.toContain(secret);
        }
        await other.close();
      });

      it('stops when it is told to', async () => {
        const stop = AbortSignal.abort(new Error('stopped'));
        await expect(session.login(stop)).rejects.toThrow('stopped');
        await expect(session.instruments(stop)).rejects.toThrow('stopped');
        await expect(session.lastPrices(equities, stop)).rejects.toThrow('stopped');
        await expect(session.connect(new Recorder(), stop)).rejects.toThrow('stopped');
      });
    });

    describe('instruments', () => {
      it('have one token and one name each, and what their type needs', () => {
        const { instruments } = master;
        expect(new Set(instruments.map(({ token }) => token)).size).toBe(instruments.length);
        expect(new Set(instruments.map(({ exchange, symbol }) => `${exchange}:${symbol}`)).size).toBe(
          instruments.length,
        );
        for (const { token, type, expiry, strike, symbol } of instruments) {
          if (!(token > 0 && token <= 0xffff_ffff)) expect.fail(`${symbol}: token ${token}`);
          const expires = type === 'CE' || type === 'PE' || type === 'FUT';
          if (expires !== /^\d{4}-\d{2}-\d{2}$/.test(expiry ?? '')) expect.fail(`${symbol}: expiry ${expiry}`);
          if ((type === 'CE' || type === 'PE') !== strike > 0) expect.fail(`${symbol}: strike ${strike}`);
        }
      });

      it('are the same version while they are the same', async () => {
        const again = await session.instruments(never);
        expect(again.version).toBe(master.version);
        expect(again.instruments).toEqual(master.instruments);
      });
    });

    it('knows last prices by token, and none of what it does not know', async () => {
      const stranger: Instrument = { ...equities[0]!, token: 0xffff_ff01, symbol: 'NOSUCHSYMBOL' };
      const prices = await session.lastPrices([equities[0]!, index, option, stranger], never);
      expect([...prices.keys()].sort()).toEqual([equities[0]!.token, index.token, option.token].sort());
      for (const price of prices.values()) expect(price).toBeGreaterThan(0);
      expect((await session.lastPrices([], never)).size).toBe(0);
    });

    it('has history in order and within the range', async () => {
      const to = Math.floor(subject.options.clock.now());
      const from = to - 10 * 86_400_000;
      const candles = await session.history({ instrument: equities[0]!, interval: '60minute', from, to }, never);
      expect(candles.length).toBeGreaterThan(0);
      let last = Number.NEGATIVE_INFINITY;
      for (const { time, open, high, low, close, volume } of candles) {
        expect(time).toBeGreaterThan(last);
        expect(time).toBeGreaterThanOrEqual(from);
        expect(time).toBeLessThanOrEqual(to);
        expect(low).toBeLessThanOrEqual(Math.min(open, close));
        expect(high).toBeGreaterThanOrEqual(Math.max(open, close));
        expect(volume).toBeGreaterThanOrEqual(0);
        last = time;
      }
    });

    describe('a connection', () => {
      it.each<[Mode, Packet, Packet]>([
        ['ltp', Packet.ltp, Packet.ltp],
        ['quote', Packet.quote, Packet.indexQuote],
        ['full', Packet.full, Packet.indexFull],
      ])('streams in mode %s what was subscribed, and nothing else', async (mode, packet, indexPacket) => {
        const [connection, rows] = await connect();
        const wanted = [...tokens(0, 1), index.token, option.token];
        connection.subscribe(wanted, mode);
        await subject.waitFor(() => {
          for (const token of wanted) {
            expect(rows.packetsOf(token)).toContain(token === index.token ? indexPacket : packet);
          }
        });
        expect([...rows.packets.keys()].sort()).toEqual([...wanted].sort());
        expect(rows.lowestPrice).toBeGreaterThan(0);
        expect(rows.disagreements).toEqual([]);
        expect(connection.lastHeard).toBeLessThanOrEqual(subject.options.clock.monotonic());
        expect(subject.options.clock.monotonic() - connection.lastHeard).toBeLessThan(5_000);
        connection.close();
      });

      it('adds an instrument and changes a mode without a stop of the others', async () => {
        const [connection, rows] = await connect();
        connection.subscribe(tokens(0, 1), 'ltp');
        await subject.waitFor(() => expect(rows.packets.size).toBe(2));
        connection.subscribe(tokens(2), 'quote');
        connection.subscribe(tokens(1), 'full');
        await subject.waitFor(() => {
          expect(rows.packetsOf(tokens(2)[0]!)).toContain(Packet.quote);
          expect(rows.latestOf(tokens(1)[0]!)).toBe(Packet.full);
        });
        const before = rows.packetsOf(tokens(0)[0]!).length;
        await subject.waitFor(() => expect(rows.packetsOf(tokens(0)[0]!).length).toBeGreaterThan(before));
        expect(rows.latestOf(tokens(0)[0]!)).toBe(Packet.ltp);
        expect(rows.errors).toEqual([]);
        expect(connection.pending).toBe(0);
        connection.close();
      });

      it('stops an instrument that was unsubscribed, and only that', async () => {
        const [connection, rows] = await connect();
        connection.subscribe(tokens(0, 1), 'quote');
        await subject.waitFor(() => expect(rows.packets.size).toBe(2));
        connection.unsubscribe(tokens(0));
        // What is asked for later is answered later: once its ticks come, those of the former have ended.
        connection.subscribe(tokens(3), 'quote');
        await subject.waitFor(() => expect(rows.packetsOf(tokens(3)[0]!).length).toBeGreaterThan(1));
        const [stopped, goes] = [rows.packetsOf(tokens(0)[0]!).length, rows.packetsOf(tokens(1)[0]!).length];
        await subject.waitFor(() => expect(rows.packetsOf(tokens(1)[0]!).length).toBeGreaterThan(goes + 2));
        expect(rows.packetsOf(tokens(0)[0]!).length).toBe(stopped);
        connection.close();
      });

      it('decodes a frame in parts, when there is no room for the whole, to the same rows', async () => {
        const [connection, rows] = await connect();
        rows.capacity = 1;
        const wanted = [...tokens(0, 1, 2), index.token];
        connection.subscribe(wanted, 'full');
        await subject.waitFor(() => expect(rows.packets.size).toBe(4));
        expect(rows.disagreements).toEqual([]);
        connection.close();
      });

      it('is quiet once it was closed, however often', async () => {
        const [connection, rows] = await connect();
        connection.subscribe(tokens(0), 'full');
        await subject.waitFor(() => expect(rows.packets.size).toBe(1));
        connection.close();
        const frames = rows.frames;
        const [other, fence] = await connect();
        other.subscribe(tokens(0), 'full');
        await subject.waitFor(() => expect(fence.packetsOf(tokens(0)[0]!).length).toBeGreaterThan(2));
        connection.subscribe(tokens(1), 'full');
        connection.unsubscribe(tokens(0));
        connection.close();
        other.close();
        expect(rows.frames).toBe(frames);
        expect(rows.ends).toEqual([]);
      });

      it('ends with its session, which then opens no other', async () => {
        const mine = subject.provider.open(subject.options);
        const rows = new Recorder();
        const connection = await mine.connect(rows, never);
        rows.connection = connection;
        connection.subscribe(tokens(0), 'ltp');
        await subject.waitFor(() => expect(rows.packets.size).toBe(1));
        await mine.close();
        await mine.close();
        const frames = rows.frames;
        await expect(mine.connect(new Recorder(), never)).rejects.toThrow();
        expect(rows.frames).toBe(frames);
      });
    });
  });
}
