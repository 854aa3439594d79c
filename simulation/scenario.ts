import type { Instrument } from '../cluster/market-data.ts';
import { apiVersion, type InstrumentSet, type TickerAccount } from '../crds/index.ts';
import type { Random } from '../runtime/random.ts';
import { modelProvider } from './broker-model.ts';

export const namespace = 'desk';
/** How much there is in one run. */
export interface Scenario {
  readonly shards: number;
  /** Names that the simulated user uses; each comes and goes. */
  readonly accounts: readonly string[];
  readonly sets: readonly string[];
}

/** Most seeds have the fewest parts between which everything can go wrong: an hour of them costs the least. */
export function scenarioOf(random: Random): Scenario {
  return {
    shards: random.next() < 0.7 ? 2 : 3,
    accounts: ['acct-0', 'acct-1', 'acct-2'].slice(0, random.next() < 0.6 ? 2 : 3),
    sets: ['alpha', 'beta', 'gamma', 'delta', 'epsilon'].slice(0, random.next() < 0.6 ? 3 : 5),
  };
}

export const instruments: readonly Instrument[] = Array.from({ length: 30 }, (_, index) => ({
  token: 1000 + index,
  exchange: 'NSE',
  symbol: `SHARE${index}`,
  name: `Share ${index}`,
  segment: 'NSE',
  type: 'EQ',
  strike: 0,
  tickSize: 0.05,
  lotSize: 1,
}));

const tokens = new Map(instruments.map(({ exchange, symbol, token }) => [`${exchange}:${symbol}`, token]));

export function tokenOf(instrument: string): number {
  return tokens.get(instrument) ?? 0;
}

/** A set as the user writes it. */
export function randomSet(name: string, random: Random): InstrumentSet {
  const share = 0.1 + random.next() * 0.4;
  const chosen = instruments.filter(() => random.next() < share);
  if (chosen.length === 0) chosen.push(instruments[random.integer(instruments.length)]!);
  const spec = {
    instruments: chosen.map(({ exchange, symbol }) => `${exchange}:${symbol}`),
    mode: random.next() < 0.5 ? 'quote' : 'full',
    delivery: { window: [0, 100, 500][random.integer(3)] },
  };
  return { apiVersion, kind: 'InstrumentSet', metadata: { name, namespace }, spec } as object as InstrumentSet;
}

export function account(name: string, limits?: TickerAccount['spec']['limits'], suspended = false): TickerAccount {
  const spec = {
    provider: modelProvider,
    credentials: { secretName: secretName(name) },
    suspended,
    ...(limits === undefined ? {} : { limits }),
  };
  return { apiVersion, kind: 'TickerAccount', metadata: { name, namespace }, spec } as TickerAccount;
}

export function secretName(name: string): string {
  return `login-${name}`;
}
