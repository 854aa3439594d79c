import { systemClock } from '../../../runtime/clock.ts';
import { silentLogger } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { describeBroker } from '../broker.contract.ts';
import { waitForReal } from '../wait-for.testing.ts';
import { kiteProvider } from './kite-provider.ts';
import { createSimulator } from './simulator/simulator.ts';

const apiKeys = { a: 'demo-a', b: 'demo-b' } as const;
const firstTokens = { a: 'demo-token-a', b: 'demo-token-b' } as const;
const limits = { connections: 3, instruments: 20, atLimit: 'refuse' } as const;
/** Milliseconds. */
const hour = 3_600_000;
/** Ticks a second: none within a test where the market is quiet. */
const rates = { busy: 50, quiet: 1 / 36_000 } as const;

describeBroker('kite, over sockets', async (market) => {
  const simulator = createSimulator({
    rate: rates[market],
    flushInterval: 10,
    heartbeat: 100,
    limits: { ...limits, requests: false },
  });
  const { faults } = simulator;
  const address = await simulator.start();
  let retained = false;
  return {
    provider: kiteProvider,
    waitFor: waitForReal,
    options: (login, accessToken = firstTokens[login]) => ({
      credentials: { apiKey: apiKeys[login], accessToken },
      endpoint: { rest: address.url, websocket: address.websocketUrl },
      account: `desk/${login}`,
      clock: systemClock,
      log: silentLogger,
      random: new SeededRandom(1),
    }),
    instruments: ['INFY', 'TCS', 'RELIANCE', 'HDFCBANK'].map((symbol) => simulator.instrument(`NSE:${symbol}`)!.token),
    orders: {
      heal: () => {
        faults.order({ fault: 'clear' });
        faults.order({ fault: 'limits', ...limits });
        for (const login of ['a', 'b'] as const) {
          faults.order({ fault: 'rotateToken', apiKey: apiKeys[login], accessToken: firstTokens[login] });
        }
      },
      rotate: (login, accessToken) => faults.order({ fault: 'rotateToken', apiKey: apiKeys[login], accessToken }),
      allow: (changes) => faults.order({ fault: 'limits', ...changes }),
      stall: (kind) => faults.order({ fault: 'stall', kind: kind === 'silent' ? 'dead' : kind }),
      resume: () => faults.order({ fault: 'resume' }),
      disconnect: (how) => faults.order({ fault: 'disconnect', clean: how === 'goodbye' }),
      refuse: (status) => {
        faults.order({ fault: 'refuseRest', status });
        faults.order({ fault: 'refuseUpgrade', status });
      },
      answerLate: () => faults.order({ fault: 'delayLogin', milliseconds: 100 }),
      killClients: () => {
        retained = true;
        faults.order({ fault: 'retainClosed', milliseconds: hour });
        faults.order({ fault: 'disconnect' });
      },
      noticeDeaths: () => {
        retained = false;
        faults.order({ fault: 'retainClosed', milliseconds: 0 });
      },
      open: (login) =>
        simulator.connections.filter((each) => each.login.apiKey === apiKeys[login] && (each.open || retained)).length,
      sent: () => simulator.connections.at(-1)!.counters.ticks,
      leaveUnread: (connection, unread) => connection.pause?.(unread),
    },
    stop: () => simulator.stop(),
  };
});
