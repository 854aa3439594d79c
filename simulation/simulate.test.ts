import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { replayCommand, sight } from './campaign.ts';
import corpus from './corpus.json' with { type: 'json' };
import { faults } from './faults.ts';
import { mutations } from './mutations.ts';
import { simulate } from './simulate.ts';

/** A short campaign, of other seeds each time: what one finds is printed with the command that replays it. */
const campaignSeeds = Array.from({ length: 4 }, () => randomInt(1_000_000, 2 ** 31));
const patience = 900_000;

async function expectNoViolation(seed: number): Promise<void> {
  const { violations } = await simulate({ seed });
  expect(violations, `replay: ${replayCommand(seed)}`).toEqual([]);
}

test.each(corpus)('past failure, seed $seed: $found', ({ seed }) => expectNoViolation(seed), patience);

test.each(campaignSeeds)('fresh seed %i', (seed) => expectNoViolation(seed), patience);

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
