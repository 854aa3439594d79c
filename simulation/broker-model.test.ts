import type { Instrument } from '../cluster/market-data.ts';
import { silentLogger } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import { describeProvider } from '../ticker/providers/provider.contract.ts';
import type { Provider, SessionOptions } from '../ticker/providers/provider.ts';
import { BrokerModel } from './broker-model.ts';
import { DrivenTime } from './driven-time.testing.ts';
import { instruments as shares } from './scenario.ts';
import { SimulatedProcess } from './simulated-process.ts';

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

function setUp() {
  const clock = new VirtualClock();
  const time = new DrivenTime(clock);
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
