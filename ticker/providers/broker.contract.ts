import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Packet } from '../tick-columns.ts';
import type { Connection, Provider, ProviderSession, SessionOptions } from './provider.ts';
import { Recorder } from './recorder.testing.ts';
import type { WaitFor } from './wait-for.testing.ts';

/** A login of which the broker knows from the beginning. */
export type LoginName = 'a' | 'b';

/** A broker, the provider that reaches it, and how to make the broker misbehave. */
export interface BrokerUnderTest {
  readonly provider: Provider;
  readonly waitFor: WaitFor;
  /** A login with its first access token, or with another. */
  options(login: LoginName, accessToken?: string): SessionOptions;
  /** At least four instruments that are no index. */
  readonly instruments: readonly number[];
  readonly orders: BrokerOrders;
  stop(): Promise<void>;
}

export interface BrokerOrders {
  /** As at the beginning: three connections a login, 20 instruments each, the first tokens, and nothing fails. */
  heal(): void;
  rotate(login: LoginName, accessToken: string): void;
  allow(limits: {
    readonly connections?: number;
    readonly instruments?: number;
    readonly atLimit?: 'refuse' | 'evictOldest';
  }): void;
  /** What is open goes quiet: no ticks, or no heartbeats either. */
  stall(kind: 'ticks' | 'silent'): void;
  resume(): void;
  /** Ends what is open. */
  disconnect(how: 'goodbye' | 'cut'): void;
  /** Answers every request, of REST and for a connection, with this status. */
  refuse(status: 429 | 503): void;
  /** Takes its time to answer who wants to connect, if it does not anyway. */
  answerLate(): void;
  /** Clients die without a goodbye; the broker counts their connections until it notices. */
  killClients(): void;
  noticeDeaths(): void;
  /** Connections of a login as the broker sees them. */
  open(login: LoginName): number;
  /** Ticks sent on the connection that was opened last. */
  sent(): number;
  /** The client leaves what comes unread, or reads on. */
  leaveUnread(connection: Connection, unread: boolean): void;
}

/** One client, as a shard is: a session of its own, and a connection. */
interface Client {
  readonly session: ProviderSession;
  readonly connection: Connection;
  readonly rows: Recorder;
}

const never = new AbortController().signal;
const refused = { code: 'PROVIDER_CREDENTIALS_REFUSED', persistence: 'terminal' };
const overLimit = { code: 'PROVIDER_CONNECTION_LIMIT', persistence: 'retryable' };
const lost = { code: 'PROVIDER_CONNECTION_LOST', persistence: 'retryable' };
/** Milliseconds without a heartbeat after which nobody may have given up yet. */
const leastSilence = 4_900;

/**
 * What a broker does through its provider, as far as a scheduler relies on it. Sources: Kite Connect's documentation
 * (https://kite.trade/docs/connect/v3/websocket/) and its forum.
 *
 * @param make a broker whose market ticks every instrument again and again (busy), or not at all (quiet)
 */
export function describeBroker(name: string, make: (market: 'busy' | 'quiet') => Promise<BrokerUnderTest>): void {
  let subject: BrokerUnderTest;
  let orders: BrokerOrders;
  let tokens: readonly number[];
  const sessions: ProviderSession[] = [];

  const openSession = (login: LoginName = 'a', accessToken?: string): ProviderSession => {
    const session = subject.provider.open(subject.options(login, accessToken));
    sessions.push(session);
    return session;
  };
  async function connect(login: LoginName = 'a', accessToken?: string): Promise<Client> {
    const session = openSession(login, accessToken);
    const rows = new Recorder();
    const connection = await session.connect(rows, never);
    rows.connection = connection;
    return { session, connection, rows };
  }
  const waitFor: WaitFor = (check) => subject.waitFor(check);
  const count = ({ rows }: Client, token: number): number => rows.packetsOf(token).length;
  /** Two more ticks: one may have been on its way already. */
  async function ticks(client: Client, token: number): Promise<void> {
    const before = count(client, token);
    await waitFor(() => expect(count(client, token)).toBeGreaterThan(before + 1));
  }
  const monotonic = (): number => subject.options('a').clock.monotonic();
  const closed = async (login: LoginName, left = 0): Promise<void> =>
    waitFor(() => expect(orders.open(login)).toBe(left));

  function suite(market: 'busy' | 'quiet'): void {
    beforeAll(async () => {
      subject = await make(market);
      ({ orders, instruments: tokens } = subject);
    });
    afterEach(async () => {
      orders.heal();
      for (const session of sessions.splice(0)) await session.close();
      orders.noticeDeaths();
      await closed('a');
      await closed('b');
    });
    afterAll(() => subject.stop());
  }

  describe(`broker ${name}`, () => {
    suite('busy');

    describe('login', () => {
      it('a new token ends the old one for whoever connects, and leaves what is open alone', async () => {
        const before = await connect();
        before.connection.subscribe([tokens[0]!], 'quote');
        orders.rotate('a', 'another-token');
        await ticks(before, tokens[0]!);
        await expect(before.session.login(never)).rejects.toMatchObject(refused);
        await expect(before.session.connect(new Recorder(), never)).rejects.toMatchObject(refused);
        const after = await connect('a', 'another-token');
        after.connection.subscribe([tokens[0]!], 'quote');
        await ticks(after, tokens[0]!);
        await ticks(before, tokens[0]!);
        expect([...before.rows.ends, ...after.rows.ends]).toEqual([]);
      });

      it.each([
        // On the feed a 429 does not say what there is too much of.
        [429, 'PROVIDER_RATE_LIMITED', 'PROVIDER_CONNECTION_LIMIT'],
        [503, 'PROVIDER_UNREACHABLE', 'PROVIDER_UNREACHABLE'],
      ] as const)(
        'what is answered with %i works again later, and what is open streams on',
        async (status, rest, feed) => {
          const client = await connect();
          client.connection.subscribe([tokens[0]!], 'quote');
          orders.refuse(status);
          await expect(client.session.login(never)).rejects.toMatchObject({ code: rest, persistence: 'retryable' });
          await expect(connect()).rejects.toMatchObject({ code: feed, persistence: 'retryable' });
          await ticks(client, tokens[0]!);
          orders.heal();
          await client.session.login(never);
          await connect();
          expect(client.rows.ends).toEqual([]);
        },
      );
    });

    describe('the limit on connections', () => {
      it('is of each login; one too many is refused and disturbs nobody, and gets in once there is room', async () => {
        orders.allow({ connections: 2 });
        const open = [await connect(), await connect()];
        await expect(connect()).rejects.toMatchObject(overLimit);
        await connect('b');
        for (const client of open) {
          client.connection.subscribe([tokens[0]!], 'quote');
          await ticks(client, tokens[0]!);
          expect(client.rows.ends).toEqual([]);
        }
        open[0]!.connection.close();
        await closed('a', 1);
        await connect();
      });

      it('lets in one more and ends the oldest, and no other, where the broker evicts', async () => {
        orders.allow({ connections: 2, atLimit: 'evictOldest' });
        const oldest = await connect();
        const others = [await connect(), await connect()];
        await waitFor(() => expect(oldest.rows.ends).toHaveLength(1));
        expect(oldest.rows.ends[0]).toMatchObject(lost);
        await closed('a', 2);
        for (const client of others) {
          client.connection.subscribe([tokens[1]!], 'quote');
          await ticks(client, tokens[1]!);
          expect(client.rows.ends).toEqual([]);
        }
      });

      it.each(['refuse', 'evictOldest'] as const)('of none lets nobody in (%s)', async (atLimit) => {
        orders.allow({ connections: 0, atLimit });
        await expect(connect()).rejects.toMatchObject(overLimit);
      });

      it('lowered to less than what is open ends nothing, and lets nobody in until enough is closed', async () => {
        const open = [await connect(), await connect()];
        orders.allow({ connections: 1 });
        for (const client of open) {
          client.connection.subscribe([tokens[0]!], 'quote');
          await ticks(client, tokens[0]!);
        }
        open[0]!.connection.close();
        await closed('a', 1);
        await expect(connect()).rejects.toMatchObject(overLimit);
        open[1]!.connection.close();
        await closed('a');
        await connect();
      });

      it('counts what dead clients left open, until the broker notices', async () => {
        orders.allow({ connections: 2 });
        await connect();
        await connect();
        orders.killClients();
        await expect(connect()).rejects.toMatchObject(overLimit);
        orders.noticeDeaths();
        await closed('a');
        await connect();
      });
    });

    describe('subscriptions', () => {
      it('are of one connection: each of a login gets what it asked for, as it asked for it', async () => {
        const [one, two] = [await connect(), await connect()];
        one.connection.subscribe([tokens[0]!, tokens[1]!], 'quote');
        two.connection.subscribe([tokens[1]!, tokens[2]!], 'full');
        for (const token of [tokens[0]!, tokens[1]!]) await ticks(one, token);
        for (const token of [tokens[1]!, tokens[2]!]) await ticks(two, token);
        one.connection.unsubscribe([tokens[1]!]);
        one.connection.subscribe([tokens[3]!], 'quote');
        await ticks(one, tokens[3]!);
        const stopped = count(one, tokens[1]!);
        await ticks(two, tokens[1]!);
        await ticks(one, tokens[0]!);
        expect(count(one, tokens[1]!)).toBe(stopped);
        one.connection.close();
        await ticks(two, tokens[2]!);
        expect([...one.rows.packets.keys()].sort()).toEqual([tokens[0]!, tokens[1]!, tokens[3]!].sort());
        expect([...two.rows.packets.keys()].sort()).toEqual([tokens[1]!, tokens[2]!].sort());
        // A packet of the mode in which a token is subscribed may come before its own mode has arrived.
        expect(two.rows.latestOf(tokens[2]!)).toBe(Packet.full);
        expect(new Set(one.rows.packetsOf(tokens[0]!))).toEqual(new Set([Packet.quote]));
        expect([...one.rows.ends, ...two.rows.ends]).toEqual([]);
      });

      it('over the limit are refused with a notice, and the others stream; there is room again for others', async () => {
        orders.allow({ instruments: 2 });
        const client = await connect();
        client.connection.subscribe(tokens.slice(0, 3), 'quote');
        await ticks(client, tokens[0]!);
        await ticks(client, tokens[1]!);
        expect(client.rows.errors).toHaveLength(1);
        client.connection.unsubscribe([tokens[0]!]);
        client.connection.subscribe([tokens[3]!], 'quote');
        await ticks(client, tokens[3]!);
        expect(count(client, tokens[2]!)).toBe(0);
        expect(client.rows.errors).toHaveLength(1);
        expect(client.rows.ends).toEqual([]);
      });
    });

    describe('the end of a connection', () => {
      it.each(['goodbye', 'cut'] as const)(
        'by the broker (%s) is told once, and leaves no subscription',
        async (how) => {
          const client = await connect();
          client.connection.subscribe([tokens[0]!], 'quote');
          await ticks(client, tokens[0]!);
          orders.disconnect(how);
          await waitFor(() => expect(client.rows.ends).toHaveLength(1));
          expect(client.rows.ends[0]).toMatchObject(lost);
          const { frames } = client.rows;
          client.connection.subscribe([tokens[2]!], 'quote');
          await closed('a');
          const again = await connect();
          again.connection.subscribe([tokens[1]!], 'quote');
          await ticks(again, tokens[1]!);
          expect([...again.rows.packets.keys()]).toEqual([tokens[1]!]);
          expect([client.rows.frames, client.rows.ends.length]).toEqual([frames, 1]);
        },
      );

      it('comes after everything that the broker sent before it', async () => {
        const client = await connect();
        client.connection.subscribe([tokens[0]!], 'quote');
        await ticks(client, tokens[0]!);
        orders.leaveUnread(client.connection, true);
        const before = orders.sent();
        await waitFor(() => expect(orders.sent()).toBeGreaterThan(before + 3));
        orders.disconnect('goodbye');
        const sent = orders.sent();
        expect(count(client, tokens[0]!)).toBeLessThan(sent);
        orders.leaveUnread(client.connection, false);
        await waitFor(() => expect(client.rows.ends).toHaveLength(1));
        expect(count(client, tokens[0]!)).toBe(sent);
      });

      it('comes after its opening, however soon', async () => {
        const order: string[] = [];
        const rows = new Recorder();
        rows.closed = () => order.push('closed');
        const connecting = openSession()
          .connect(rows, never)
          .then(() => order.push('opened'));
        await waitFor(() => expect(orders.open('a')).toBe(1));
        orders.disconnect('cut');
        await connecting;
        await waitFor(() => expect(order).toEqual(['opened', 'closed']));
      });

      it('by the client is told to nobody, even where the broker ends it too, and nothing comes after it', async () => {
        const client = await connect();
        client.connection.subscribe([tokens[0]!], 'quote');
        await ticks(client, tokens[0]!);
        orders.leaveUnread(client.connection, true);
        const before = orders.sent();
        await waitFor(() => expect(orders.sent()).toBeGreaterThan(before + 1));
        orders.disconnect('goodbye');
        client.connection.close();
        const { frames } = client.rows;
        orders.leaveUnread(client.connection, false);
        await closed('a');
        await client.session.close();
        const fence = await connect();
        fence.connection.subscribe([tokens[0]!], 'quote');
        await ticks(fence, tokens[0]!);
        expect([client.rows.frames, client.rows.ends.length]).toEqual([frames, 0]);
      });
    });

    describe('who gives up while connecting', () => {
      it.each(['signal', 'session'] as const)('hears of it at once, and takes nobody’s place (%s)', async (by) => {
        orders.allow({ connections: 1, atLimit: 'evictOldest' });
        const open = await connect();
        orders.answerLate();
        const session = openSession();
        const stop = new AbortController();
        const rows = new Recorder();
        const connecting = session.connect(rows, stop.signal);
        const failed = connecting.catch((error: unknown) => error);
        if (by === 'signal') stop.abort(new Error('stopped'));
        else await session.close();
        const error = await failed;
        if (by === 'signal') expect(error).toBe(stop.signal.reason);
        else expect(error).toMatchObject(lost);
        const since = monotonic();
        await waitFor(() => expect(monotonic()).toBeGreaterThan(since + 250));
        expect(orders.open('a')).toBe(1);
        expect([...rows.ends, ...open.rows.ends]).toEqual([]);
      });
    });

    describe('a connection that is open', () => {
      it('without ticks, and heartbeats going on, is nobody’s fault; they come again', async () => {
        const client = await connect();
        client.connection.subscribe([tokens[0]!], 'quote');
        await ticks(client, tokens[0]!);
        orders.stall('ticks');
        const heard = client.connection.lastHeard;
        await waitFor(() => expect(client.connection.lastHeard).toBeGreaterThan(heard + 250));
        const stopped = count(client, tokens[0]!);
        const since = client.connection.lastHeard;
        await waitFor(() => expect(client.connection.lastHeard).toBeGreaterThan(since + 250));
        expect(count(client, tokens[0]!)).toBe(stopped);
        expect(client.rows.ends).toEqual([]);
        orders.resume();
        await ticks(client, tokens[0]!);
      });

      it('without heartbeats is given up after some seconds; before, it can be closed all the same', async () => {
        const client = await connect();
        const other = await connect();
        client.connection.subscribe([tokens[0]!], 'quote');
        await ticks(client, tokens[0]!);
        const since = monotonic();
        orders.stall('silent');
        other.connection.close();
        const closing = other.session.close();
        await waitFor(() => expect(client.rows.ends).toHaveLength(1));
        expect(client.rows.ends[0]).toMatchObject({ code: 'PROVIDER_CONNECTION_SILENT', persistence: 'retryable' });
        expect(monotonic() - since).toBeGreaterThan(leastSilence);
        expect(monotonic() - client.connection.lastHeard).toBeGreaterThan(leastSilence);
        await closing;
        expect(other.rows.ends).toEqual([]);
        const { frames } = client.rows;
        orders.resume();
        const again = await connect();
        again.connection.subscribe([tokens[0]!], 'quote');
        await ticks(again, tokens[0]!);
        expect([client.rows.frames, client.rows.ends.length]).toEqual([frames, 1]);
      });
    });
  });

  describe(`broker ${name} in a quiet market`, () => {
    suite('quiet');

    it('answers with the cached last value whenever an instrument is asked for, and in its mode', async () => {
      const client = await connect();
      const [token] = tokens;
      const more = async (packet: Packet): Promise<void> => {
        const before = count(client, token!);
        await waitFor(() => expect(count(client, token!)).toBeGreaterThan(before));
        expect(client.rows.latestOf(token!)).toBe(packet);
      };
      for (const mode of ['quote', 'full', 'full', 'ltp'] as const) {
        client.connection.subscribe([token!], mode);
        await more(Packet[mode]);
      }
      client.connection.unsubscribe([token!]);
      client.connection.subscribe([token!], 'quote');
      await more(Packet.quote);
    });

    it('keeps a connection that has nothing to send with heartbeats, which nobody else hears of', async () => {
      const { connection, rows } = await connect();
      const opened = connection.lastHeard;
      expect(monotonic() - opened).toBeLessThan(5_000);
      await waitFor(() => expect(connection.lastHeard).toBeGreaterThan(opened + 250));
      expect([rows.frames, rows.ends.length]).toEqual([0, 0]);
    });
  });
}
