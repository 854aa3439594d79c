import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import type { CodedError } from '../../../runtime/errors.ts';
import { silentLogger } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { TickColumns } from '../../tick-columns.ts';
import { describeProvider } from '../provider.contract.ts';
import type { Connection, ProviderSession, SessionOptions } from '../provider.ts';
import { waitForReal } from '../wait-for.testing.ts';
import { kiteProvider } from './kite-provider.ts';
import { createSimulator, type Simulator, type SimulatorAddress } from './simulator/simulator.ts';

const never = new AbortController().signal;

function optionsFor(address: SimulatorAddress, changes: Partial<SessionOptions> = {}): SessionOptions {
  return {
    credentials: { apiKey: 'demo-a', accessToken: 'demo-token-a' },
    endpoint: { rest: address.url, websocket: address.websocketUrl },
    account: 'default/demo',
    clock: systemClock,
    log: silentLogger,
    random: new SeededRandom(1),
    ...changes,
  };
}

describeProvider('kite', async () => {
  // The suite opens more connections, and asks for prices more often, than the broker lets one login.
  const simulator = createSimulator({ rate: 50, limits: { connections: 32, requests: false } });
  const address = await simulator.start();
  return {
    provider: kiteProvider,
    waitFor: waitForReal,
    options: optionsFor(address),
    refused: optionsFor(address, { credentials: { apiKey: 'demo-a', accessToken: 'token-of-yesterday' } }),
    stop: () => simulator.stop(),
  };
});

describe('what users of the feed complain of', () => {
  let simulator: Simulator;
  let address: SimulatorAddress;
  let session: ProviderSession;
  const sessions: ProviderSession[] = [];

  beforeAll(async () => {
    simulator = createSimulator({ rate: 50, heartbeat: 100, limits: { requests: false } });
    address = await simulator.start();
  });
  afterAll(() => simulator.stop());
  afterEach(async () => {
    await Promise.all(sessions.splice(0).map((open) => open.close()));
    simulator.faults.order({ fault: 'clear' });
    simulator.faults.order({ fault: 'limits', connections: 3, instruments: 3000, atLimit: 'refuse' });
    simulator.logins.rotate(simulator.logins.find('demo-a')!, 'demo-token-a');
  });

  /** Counts rows by token, and what went wrong while decoding. */
  class Reader {
    connection: Connection | undefined;
    readonly rows = new Map<number, number>();
    readonly faults: unknown[] = [];
    readonly notices: string[] = [];
    readonly ends: CodedError[] = [];
    readonly #columns = new TickColumns(256);

    get total(): number {
      return [...this.rows.values()].reduce((sum, count) => sum + count, 0);
    }

    readonly handler = {
      frame: (frame: Uint8Array, receivedAt: number): void => {
        this.#columns.clear();
        try {
          this.connection!.decode(frame, 0, receivedAt, this.#columns);
        } catch (error) {
          this.faults.push(error);
        }
        for (const token of this.#columns.token.subarray(0, this.#columns.length)) {
          this.rows.set(token, (this.rows.get(token) ?? 0) + 1);
        }
      },
      notice: ({ text }: { readonly text: string }): void => {
        this.notices.push(text);
      },
      closed: (error: CodedError): void => {
        this.ends.push(error);
      },
    };
  }

  async function connect(): Promise<[Connection, Reader, Simulator['connections'][number]]> {
    session = kiteProvider.open(optionsFor(address));
    sessions.push(session);
    const reader = new Reader();
    const connection = await session.connect(reader.handler, never);
    reader.connection = connection;
    return [connection, reader, simulator.connections.at(-1)!];
  }

  const token = (symbol: string): number => simulator.instrument(`NSE:${symbol}`)!.token;
  const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 9_000, interval: 5 });

  it('adds one instrument to a running set with one subscribe message and no stop of the others', async () => {
    const [connection, reader, broker] = await connect();
    connection.subscribe([token('INFY'), token('TCS')], 'full');
    await until(() => expect(reader.rows.size).toBe(2));
    const before = broker.received.length;
    connection.subscribe([token('RELIANCE')], 'full');
    await until(() => expect(reader.rows.get(token('RELIANCE'))).toBeGreaterThan(1));
    expect(broker.received.slice(before).map(({ text }) => JSON.parse(text))).toEqual([
      { a: 'subscribe', v: [token('RELIANCE')] },
      { a: 'mode', v: ['full', [token('RELIANCE')]] },
    ]);
    expect(broker.open).toBe(true);
    const [sent, heard] = [broker.ticksOf(token('INFY')), reader.rows.get(token('INFY'))!];
    await until(() => expect(reader.rows.get(token('INFY'))).toBeGreaterThanOrEqual(sent));
    expect(heard).toBeGreaterThan(0);
  });

  it('closing a dead connection ends in bounded time', async () => {
    const [connection] = await connect();
    simulator.faults.order({ fault: 'stall', kind: 'dead' });
    const since = systemClock.monotonic();
    connection.close();
    await session.close();
    expect(systemClock.monotonic() - since).toBeLessThan(5_000);
  });

  it('an expired token is a terminal error, on the feed and over REST, and is asked once', async () => {
    const [, reader] = await connect();
    simulator.faults.order({ fault: 'expireToken', apiKey: 'demo-a', disconnect: true });
    await until(() => expect(reader.ends).toHaveLength(1));
    const refusedBefore = simulator.refusedUpgrades.get(403) ?? 0;
    const refused = { code: 'PROVIDER_CREDENTIALS_REFUSED', persistence: 'terminal' };
    await expect(session.connect(reader.handler, never)).rejects.toMatchObject(refused);
    await expect(session.login(never)).rejects.toMatchObject(refused);
    expect(simulator.refusedUpgrades.get(403)).toBe(refusedBefore + 1);
  });

  it('instruments over the limit come back as a notice, and the others stream', async () => {
    simulator.faults.order({ fault: 'limits', instruments: 1 });
    const [connection, reader] = await connect();
    connection.subscribe([token('INFY'), token('TCS')], 'full');
    await until(() => expect(reader.total).toBeGreaterThan(2));
    expect(reader.notices).toHaveLength(1);
    expect(reader.notices[0]).toContain('limit of 1');
    expect([...reader.rows.keys()]).toEqual([token('INFY')]);
    expect(reader.ends).toEqual([]);
  });

  it.each(['truncatedFrame', 'missingPackets', 'overlongPacket', 'garbage', 'unknownPacket'] as const)(
    'after a damaged frame (%s) the stream goes on',
    async (kind) => {
      const [connection, reader] = await connect();
      connection.subscribe([token('INFY'), token('TCS')], 'full');
      await until(() => expect(reader.rows.size).toBe(2));
      simulator.faults.order({ fault: 'corruptFrame', kind });
      if (kind === 'unknownPacket') await until(() => expect(connection).toMatchObject({ unknownPackets: 1 }));
      else await until(() => expect(reader.faults).toHaveLength(1));
      for (const fault of reader.faults) expect(fault).toMatchObject({ code: 'PROVIDER_MALFORMED_FRAME' });
      const total = reader.total;
      await until(() => expect(reader.total).toBeGreaterThan(total + 4));
      expect(reader.ends).toEqual([]);
    },
  );

  it('an order update of the same login is nobody else’s business', async () => {
    const [, reader] = await connect();
    simulator.faults.order({ fault: 'text', type: 'order', data: { order_id: '1' } });
    simulator.faults.order({ fault: 'text', type: 'message', data: 'scheduled maintenance' });
    await until(() => expect(reader.notices).toEqual(['scheduled maintenance']));
  });

  it('a Secret with a line break after the token works all the same', async () => {
    const credentials = { apiKey: 'demo-b\n', accessToken: ' demo-token-b\r\n' };
    const padded = kiteProvider.open(optionsFor(address, { credentials }));
    sessions.push(padded);
    await padded.login(never);
  });

  it('asks for hundreds of last prices in one request', async () => {
    await connect();
    const { instruments } = await session.instruments(never);
    const asked = instruments.slice(0, 400);
    const prices = await session.lastPrices(asked, never);
    expect(prices.size).toBe(400);
  });
});
