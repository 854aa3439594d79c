import { z } from 'zod';
import type { ReaderReport } from '../reader/report.ts';
import { podPath, read } from './api.ts';
import { system } from './lab.ts';
import { pods } from './objects.ts';

const ranges = z.array(z.number());
const report = z.object({
  since: z.number(),
  now: z.number(),
  batches: z.int(),
  rows: z.int(),
  stale: z.int(),
  instruments: z.array(
    z.object({
      set: z.string(),
      token: z.int(),
      longestGap: z.number(),
      gapBegan: z.number(),
      gapSealed: z.number(),
      movingGap: z.number(),
      stayingGap: z.number(),
      live: ranges,
      overlap: ranges,
      stream: ranges,
      late: ranges,
      repeated: z.int(),
      numbered: z.boolean(),
    }),
  ),
  gaps: z.array(
    z.object({
      set: z.string(),
      slice: z.string(),
      from: z.number(),
      to: z.number(),
      why: z.enum(['newOwner', 'reconnect', 'detached', 'redis', 'spool', 'seq']),
      open: z.boolean().optional(),
    }),
  ),
  owners: z.array(
    z.object({
      slice: z.string(),
      shard: z.string(),
      epoch: z.int(),
      claim: z.int(),
      first: z.number(),
      last: z.number(),
    }),
  ),
  ends: z.array(z.object({ set: z.string(), slice: z.string(), after: z.int() })),
});

/** A pod's own HTTP, through the API server. */
export async function podGet(pod: string, port: number, path: string): Promise<string> {
  return read(podPath(system, pod, port, path));
}

async function readerPod(): Promise<string> {
  const [pod] = (await pods(system, 'app=reader')).filter(({ ready, leaving }) => ready && !leaving);
  if (pod === undefined) throw new Error('no reader pod is ready');
  return pod.name;
}

/** The reader begins anew. */
export async function resetReader(): Promise<void> {
  await podGet(await readerPod(), 8080, '/reset');
}

/** What the reader got since it was reset. */
export async function readReport(): Promise<ReaderReport> {
  return report.parse(JSON.parse(await podGet(await readerPod(), 8080, '/report')));
}
