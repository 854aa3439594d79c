import { Worker } from 'node:worker_threads';
import type { Mutation } from './mutations.ts';
import { type SimulationResult, simulate } from './simulate.ts';

/** Runs many seeds on several cores; tells each result as it comes. A worker that fails ends the campaign. */
export async function campaign(
  seeds: readonly number[],
  workers: number,
  tell: (result: SimulationResult) => void,
): Promise<void> {
  const waiting = [...seeds];
  const run = (): Promise<void> => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: 64 },
    });
    let current: number | undefined;
    const finished = new Promise<void>((resolve, reject) => {
      const next = (): void => {
        current = waiting.shift();
        if (current === undefined) resolve();
        else worker.postMessage(current);
      };
      worker.on('message', (result: SimulationResult) => {
        tell(result);
        next();
      });
      worker.on('error', (cause) => reject(new Error(`seed ${current} failed`, { cause })));
      next();
    });
    return finished.finally(() => worker.terminate());
  };
  await Promise.all(Array.from({ length: Math.min(workers, seeds.length) }, run));
}

/** A deliberate bug, and what it took to see it. */
export interface Sighting {
  readonly mutation: Mutation;
  /** Seeds, from 1 on, until one showed it; undefined where none did. */
  readonly seeds: number | undefined;
  /** What was seen first. */
  readonly violation: string | undefined;
}

/** Looks for a deliberate bug, seed by seed from 1 on. */
export async function sight(mutation: Mutation, most: number): Promise<Sighting> {
  for (let seed = 1; seed <= most; seed++) {
    const { violations } = await simulate({ seed, mutation, stopAtFirst: true });
    if (violations.length > 0) return { mutation, seeds: seed, violation: violations[0] };
  }
  return { mutation, seeds: undefined, violation: undefined };
}

/** How to see a seed again. */
export function replayCommand(seed: number): string {
  return `make simulate SEED=${seed} TRACE=1`;
}
