import { Worker } from 'node:worker_threads';
import type { SimulationResult } from './simulate.ts';

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

/** How to see a seed again. */
export function replayCommand(seed: number): string {
  return `make simulate SEED=${seed} TRACE=1`;
}
