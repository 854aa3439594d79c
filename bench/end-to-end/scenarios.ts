import type { Scenario } from './messages.ts';

const plain = { format: 'json', stream: false, latest: false } as const;
const full = { ...plain, mode: 'full', greeks: true } as const;
const quote = { ...plain, mode: 'quote', greeks: false } as const;

/** Rows of the end-to-end table. */
export const scenarios: readonly Scenario[] = [
  { ...full, name: 'full+Greeks arrow', format: 'arrow' },
  { ...full, name: 'full+Greeks json' },
  { ...full, name: 'full+Greeks json +Streams', stream: true },
  { ...full, name: 'full+Greeks json +latest', latest: true },
  { ...quote, name: 'quote arrow', format: 'arrow' },
  { ...quote, name: 'quote json' },
  { ...quote, name: 'quote json +Streams', stream: true },
  { ...quote, name: 'quote json +latest', latest: true },
];
