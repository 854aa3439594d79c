import { parentPort } from 'node:worker_threads';
import { simulate } from './simulate.ts';

// Errors are made by the thousand, and their stacks read by nobody.
Error.stackTraceLimit = 0;

/** Runs each seed that it is sent, and sends back what came of it. */
parentPort?.on('message', async (seed: number) => {
  parentPort?.postMessage(await simulate({ seed }));
});
