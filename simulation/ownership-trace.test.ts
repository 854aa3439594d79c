import { expect, test } from 'vitest';
import { allowsTrace } from '../specification/tlc.ts';
import type { OwnershipEvent, OwnershipTrace } from '../specification/trace.ts';
import { OwnershipRecorder } from './ownership-recorder.ts';
import { simulate } from './simulate.ts';

/** What happens to slices in simulated runs is looked for among the behaviours of the specification by TLC. */

const patience = 900_000;
/** A trace of fewer events says little. */
const fewest = 6;

async function record(seed: number): Promise<OwnershipTrace[]> {
  const recorder = new OwnershipRecorder();
  const { violations } = await simulate({ seed, recorder });
  expect(violations).toEqual([]);
  return recorder.traces.filter(({ events }) => events.length >= fewest);
}

test(
  'the ownership of every slice, through the failures of three seeds, is a behaviour of the specification',
  async () => {
    const kinds = new Set<OwnershipEvent['kind']>();
    let events = 0;
    for (const seed of [1, 2, 3]) {
      for (const trace of await record(seed)) {
        const { allowed, output } = await allowsTrace(trace, 'direct');
        if (!allowed) expect.fail(`seed ${seed}: ${JSON.stringify(trace)}\n${output.slice(-2000)}`);
        for (const { kind } of trace.events) kinds.add(kind);
        events += trace.events.length;
      }
    }
    expect([...kinds].sort()).toEqual(
      expect.arrayContaining(['claim', 'crash', 'prepare', 'promote', 'restart', 'send', 'takeOver']),
    );
    expect(events).toBeGreaterThan(80);
    process.stdout.write(`specification: ${events} events of simulated slices are behaviours of it\n`);
  },
  patience,
);

const claim = (shard: string, epoch: number, count = 1): OwnershipEvent => ({
  kind: 'claim',
  shard,
  epoch,
  claim: count,
});
const send = (shard: string, epoch: number, count = 1): OwnershipEvent => ({
  kind: 'send',
  shard,
  epoch,
  claim: count,
});
const move: readonly OwnershipEvent[] = [
  claim('a', 1),
  send('a', 1),
  { kind: 'prepare', shard: 'b' },
  { kind: 'promote', shard: 'b', epoch: 2 },
  claim('b', 2),
  send('b', 2),
];

test.each<readonly [string, readonly OwnershipEvent[]]>([
  ['a former owner is accepted after the claim', [...move, send('a', 1)]],
  ['a successor is promoted that was never asked to warm up', move.filter(({ kind }) => kind !== 'prepare')],
  ['a shard claims that was not named', [claim('a', 1), claim('b', 1, 2)]],
  ['the epoch is not raised', move.map((event) => (event.kind === 'promote' ? { ...event, epoch: 1 } : event))],
  ['a second move starts before the claim', [...move.slice(0, 4), { kind: 'prepare', shard: 'a' }]],
  ['a call is accepted before any claim', [send('a', 1)]],
  ['a dead shard claims', [{ kind: 'crash', shard: 'a' }, claim('a', 1)]],
])('refused: %s', { timeout: patience }, async (_, events) => {
  expect((await allowsTrace({ owner: 'a', events }, 'whole')).allowed).toBe(false);
});

test('allowed: a planned move', { timeout: patience }, async () => {
  expect((await allowsTrace({ owner: 'a', events: move }, 'whole')).allowed).toBe(true);
});
