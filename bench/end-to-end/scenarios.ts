import type { Scenario } from './messages.ts';

const plain = { stream: false, latest: false } as const;
const full = { ...plain, mode: 'full', greeks: true } as const;
const quote = { ...plain, mode: 'quote', greeks: false } as const;
const [json, arrow] = [{ format: 'json' }, { format: 'arrow' }] as const;

/** Rows of the end-to-end table. */
export const scenarios: readonly Scenario[] = [
  { ...full, ...arrow, name: 'full+Greeks arrow' },
  { ...full, ...arrow, name: 'full+Greeks arrow +Streams', stream: true },
  { ...full, ...arrow, name: 'full+Greeks arrow +latest', latest: true },
  { ...full, ...json, name: 'full+Greeks json' },
  { ...full, ...json, name: 'full+Greeks json +latest', latest: true },
  { ...quote, ...arrow, name: 'quote arrow' },
  { ...quote, ...json, name: 'quote json' },
];

/** A tenth of the load that is the goal, tick by tick: what it takes a frame to get to a subscriber. */
export const paced: Scenario = {
  ...full,
  ...json,
  name: 'at a tenth of the load, window 0',
  pace: { ticksPerSecond: 150_000, packetsPerFrame: 100 },
};
