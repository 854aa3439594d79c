import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { replayCommand, sight } from './campaign.ts';
import corpus from './corpus.json' with { type: 'json' };
import { faults } from './faults.ts';
import { mutations } from './mutations.ts';
import { simulate } from './simulate.ts';

/** A short campaign, the same each time, so that a run of the tests says what it said before; `make simulate` takes others. */
const campaignSeeds = [501, 502, 503];
const patience = 900_000;

async function expectNoViolation(seed: number): Promise<void> {
  const { violations } = await simulate({ seed });
  expect(violations, `replay: ${replayCommand(seed)}`).toEqual([]);
}

test.each(corpus)('past failure, seed $seed: $found', ({ seed }) => expectNoViolation(seed), patience);

test(
  'a fresh seed, which decides nothing: what it finds is printed with the command that shows it again',
  async () => {
    const seed = randomInt(1_000_000, 2 ** 31);
    const { violations } = await simulate({ seed });
    const found = violations.length === 0 ? 'no violation' : `${violations[0]}; replay: ${replayCommand(seed)}`;
    process.stdout.write(`simulation: fresh seed ${seed}: ${found}\n`);
  },
  patience,
);

test.each(campaignSeeds)('campaign, seed %i', (seed) => expectNoViolation(seed), patience);

test(
  'two runs of one seed are the same run, to the byte',
  async () => {
    const play = async (): Promise<{ lines: string; digest: string }> => {
      const lines: string[] = [];
      const { digest } = await simulate({ seed: 7, write: (line) => lines.push(line) });
      return { lines: lines.join('\n'), digest };
    };
    const first = await play();
    expect(first.lines.length).toBeGreaterThan(10_000);
    expect(await play()).toEqual(first);
    // Nor does it matter whether anybody reads the trace.
    expect((await simulate({ seed: 7 })).digest).toBe(first.digest);
  },
  patience,
);

test(
  'without faults nothing fails and nothing is lost',
  async () => {
    const result = await simulate({ seed: 1, faults: new Map() });
    expect(result).toMatchObject({ violations: [], strikes: [], tampered: 0 });
    expect(result.batches).toBeGreaterThan(1000);
  },
  patience,
);

test('every fault has a name of its own', () => {
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
});

/** Each deliberate bug is seen within this many seeds. */
const within = 16;

test.each(mutations)(
  'sees a deliberate bug: $name',
  async (mutation) => {
    expect((await sight(mutation, within)).seeds).toBeLessThanOrEqual(within);
  },
  patience,
);
