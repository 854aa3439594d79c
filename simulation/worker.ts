import { parentPort } from 'node:worker_threads';
import { simulate } from './simulate.ts';

/** Runs each seed that it is sent, and sends back what came of it. */
parentPort?.on('message', async (seed: number) => {
  parentPort?.postMessage(await simulate({ seed }));
});
