import { expect, test } from 'vitest';
import type { Instrument } from '../cluster/market-data.ts';
import { silentLogger } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import { describeBroker } from '../ticker/providers/broker.contract.ts';
import { describeProvider } from '../ticker/providers/provider.contract.ts';
import type { Provider, SessionOptions } from '../ticker/providers/provider.ts';
import { Recorder } from '../ticker/providers/recorder.testing.ts';
import { BrokerModel } from './broker-model.ts';
import { DrivenTime } from './driven-time.testing.ts';
import type { ModelConnection } from './model-connection.ts';
import { instruments as shares } from './scenario.ts';
import { SimulatedProcess } from './simulated-process.ts';

const limits = { connections: 3, instrumentsPerConnection: 20, atLimit: 'refuse' } as const;
/** Milliseconds without any tick of itself in a quiet market: less than `patience` and what a test does besides. */
const quietPatience = 5_000;

const index: Instrument = { ...shares[0]!, token: 2000, symbol: 'INDEX', segment: 'INDICES', type: 'INDEX' };
const option: Instrument = {
  ...shares[0]!,
  token: 2001,
  symbol: 'CALL',
  exchange: 'NFO',
  segment: 'NFO-OPT',
  type: 'CE',
  strike: 100,
  expiry: '2026-12-29',
};

/** @param patience milliseconds of virtual time within which something has to come */
function setUp(patience?: number) {
  const clock = new VirtualClock();
  const time = new DrivenTime(clock, patience);
  const violations: string[] = [];
  const broker = new BrokerModel({
    clock,
    random: new SeededRandom(1),
    instruments: [...shares, index, option],
    emitted: () => undefined,
    violated: (what) => violations.push(what),
  });
  /** A client with time going on while it waits. */
  const client = (process: SimulatedProcess): Provider => {
    const provider = broker.connect(process);
    return { ...provider, open: (options) => time.driven(provider.open(options)) };
  };
  const optionsFor = (process: SimulatedProcess, account: string, accessToken: string): SessionOptions => ({
    credentials: { accessToken },
    account,
    clock: process.clock,
    log: silentLogger,
    random: new SeededRandom(1),
  });
  return { clock, time, broker, violations, client, optionsFor };
}

describeProvider('model', async () => {
  const { broker, clock, time, client, optionsFor } = setUp();
  const process = new SimulatedProcess('client', clock);
  broker.limits.connections = 32;
  broker.account('desk/a').accessToken = 'token';
  return {
    provider: client(process),
    waitFor: (check) => time.waitFor(check),
    options: optionsFor(process, 'desk/a', 'token'),
    refused: optionsFor(process, 'desk/a', 'token-of-yesterday'),
    stop: async () => undefined,
  };
});

describeBroker('model', async (market) => {
  const { broker, clock, time, client, optionsFor } = setUp(market === 'quiet' ? quietPatience : undefined);
  const newProcess = (): SimulatedProcess => new SimulatedProcess('client', clock);
  let process = newProcess();
  let last: ModelConnection | undefined;
  const accounts = { a: broker.account('desk/a'), b: broker.account('desk/b') };
  const all = Object.values(accounts);
  const heal = (): void => {
    broker.heal();
    for (const [login, account] of Object.entries(accounts)) {
      Object.assign(account, limits, { accessToken: `first-${login}` });
    }
  };
  heal();
  broker.market(market);
  const openOf = (): ModelConnection[] => all.flatMap(({ open }) => [...open]);
  return {
    provider: { ...client(process), open: (options) => client(process).open(options) },
    waitFor: (check) => time.waitFor(check),
    options: (login, accessToken = `first-${login}`) => optionsFor(process, `desk/${login}`, accessToken),
    instruments: shares.map(({ token }) => token),
    orders: {
      heal,
      rotate: (login, accessToken) => {
        accounts[login].accessToken = accessToken;
      },
      allow: ({ connections, instruments, atLimit }) => {
        for (const account of all) {
          account.connections = connections ?? account.connections;
          account.instrumentsPerConnection = instruments ?? account.instrumentsPerConnection;
          account.atLimit = atLimit ?? account.atLimit;
        }
      },
      stall: (kind) => {
        for (const account of all) broker.stall(account, kind);
      },
      resume: () => {
        for (const account of all) broker.stall(account, undefined);
      },
      disconnect: () => {
        for (const connection of openOf()) connection.fail();
      },
      refuse: (status) => {
        if (status === 429) broker.throttled = 1;
        else broker.flaky = 1;
      },
      // It does anyway.
      answerLate: () => undefined,
      killClients: () => {
        process.crash();
        for (const connection of openOf()) connection.linger();
        process = newProcess();
      },
      // It does so in its own time.
      noticeDeaths: () => undefined,
      open: (login) => accounts[login].open.size,
      sent: () => {
        last = openOf().at(-1) ?? last;
        return last?.ticks ?? 0;
      },
      leaveUnread: (_connection, unread) => (unread ? process.pause() : process.resume()),
    },
    stop: async () => undefined,
  };
});

test('a process that stands still while it connects learns of the connection before it learns of its end', async () => {
  const { broker, clock, optionsFor } = setUp();
  const process = new SimulatedProcess('client', clock);
  const account = broker.account('desk/a');
  account.accessToken = 'token';
  const order: string[] = [];
  const handler = { frame: () => undefined, notice: () => undefined, closed: () => order.push('closed') };
  const session = broker.connect(process).open(optionsFor(process, 'desk/a', 'token'));
  const connecting = session.connect(handler, new AbortController().signal).then(() => order.push('opened'));
  process.pause();
  await clock.run(1000);
  for (const connection of account.open) connection.fail();
  await clock.run(1000);
  expect(order).toEqual([]);
  process.resume();
  await connecting;
  await clock.run(0);
  expect(order).toEqual(['opened', 'closed']);
});

test('who gives up when the answer has come, and has not been read, leaves no connection open', async () => {
  const { broker, clock, optionsFor } = setUp();
  const process = new SimulatedProcess('client', clock);
  const account = broker.account('desk/a');
  account.accessToken = 'token';
  const stop = new AbortController();
  const session = broker.connect(process).open(optionsFor(process, 'desk/a', 'token'));
  const connecting = session.connect(new Recorder(), stop.signal).catch((error: unknown) => error);
  process.clock.setTimer(500, () => stop.abort(new Error('stopped')));
  process.pause();
  await clock.run(1000);
  expect(account.open.size).toBe(1);
  process.resume();
  expect(await connecting).toBe(stop.signal.reason);
  expect(account.open.size).toBe(0);
});

test('instruments over the limit of a connection are a violation', async () => {
  const { broker, clock, client, optionsFor, violations } = setUp();
  const process = new SimulatedProcess('client', clock);
  broker.account('desk/a').accessToken = 'token';
  const session = client(process).open(optionsFor(process, 'desk/a', 'token'));
  const connection = await session.connect(new Recorder(), new AbortController().signal);
  const tokens = shares.map(({ token }) => token);
  connection.subscribe(tokens.slice(0, 20), 'quote');
  expect(violations).toEqual([]);
  connection.subscribe(tokens.slice(20, 22), 'quote');
  expect(violations).toEqual(['account desk/a: 2 instruments over the 20 of one connection']);
});
