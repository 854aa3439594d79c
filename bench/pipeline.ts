import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { SliceSet } from '../crds/index.ts';
import { type RecordedMode, type Recording, record } from './end-to-end/recording.ts';
import { goOn, growthOfVolume } from './end-to-end/replay.ts';
import { sliceObject } from './objects.ts';

/**
 * `make bench-pipeline`: what a tick takes from a frame's bytes to a sealed batch, without sockets. A frame counts with its
 * best of many passes, so that neighbours do not. `BESIDE=folder` measures another checkout in the same process, in turn:
 * two runs of one differ by more than most changes.
 */
type Format = SliceSet['delivery']['format'];

const passes = 40;
/** Microseconds between two frames. */
const step = 250;
/** Passes begin this long after the recording, microseconds: by then nothing counts as the broker's cached value. */
const later = 20_000_000;

const checkouts = [resolve(import.meta.dirname, '..')];
const beside = process.env['BESIDE'];
if (beside !== undefined) checkouts.push(resolve(beside));

console.log("nanoseconds a tick, each frame's best of", passes);
for (const mode of ['full', 'quote'] as const) {
  for (const format of ['arrow', 'json'] as const) {
    for (const { checkout, nanoseconds } of await measure(mode, format)) {
      console.log(
        `${mode === 'full' ? 'full packets, Greeks' : 'quotes'} ${format}: ${nanoseconds.toFixed(0)}  ${checkout}`,
      );
    }
  }
}

async function measure(mode: RecordedMode, format: Format) {
  const now = Date.now();
  const recording = record(mode, now);
  const { frames, packets } = recording;
  const growth = growthOfVolume(recording);
  const runs = await Promise.all(
    checkouts.map(async (checkout) => ({ checkout, ...(await pipelineOf(checkout, mode, format, recording)) })),
  );
  const best = runs.map(() => new Float64Array(frames.length).fill(Number.POSITIVE_INFINITY));
  const counts = runs.map(() => 0);
  let received = now * 1000 + later;
  for (let pass = 0; pass < passes; pass++) {
    for (const [index, frame] of frames.entries()) {
      goOn(frame, packets[index]!.all, Math.floor(received / 1e6), pass === 0 ? 0 : growth);
      // Turn about, for the second finds the frame in the cache.
      for (const turn of pass % 2 === 0 ? [...runs.keys()] : [...runs.keys()].reverse()) {
        const { slice, decoder } = runs[turn]!;
        const began = process.hrtime.bigint();
        slice.frame(decoder, frame, received);
        const batches = slice.take(received / 1000);
        const took = Number(process.hrtime.bigint() - began);
        best[turn]![index] = Math.min(best[turn]![index]!, took);
        for (const batch of batches) {
          counts[turn]! += batch.count;
          batch.release?.();
        }
      }
      received += step;
    }
  }
  const ticks = packets.reduce((sum, { all, underlyings }) => sum + all - underlyings, 0);
  return runs.map(({ checkout, slice }, turn) => {
    const { invalid, unknown } = slice.counters;
    if (counts[turn] !== ticks * passes || invalid + unknown > 0)
      throw new Error(
        `${checkout}: ${counts[turn]} of ${ticks * passes} ticks, ${invalid} invalid, ${unknown} unknown`,
      );
    return { checkout, nanoseconds: best[turn]!.reduce((sum, each) => sum + each) / ticks };
  });
}

async function pipelineOf(checkout: string, mode: RecordedMode, format: Format, { groups }: Recording) {
  const load = (path: string) => import(pathToFileURL(resolve(checkout, 'ticker', path)).href);
  const { createAccountPipeline }: typeof import('../ticker/pipeline/pipeline.ts') = await load('pipeline/pipeline.ts');
  const { KiteDecoder }: typeof import('../ticker/providers/kite/decoder.ts') = await load('providers/kite/decoder.ts');
  const { spec } = sliceObject({
    ...{ namespace: 'default', name: 'bench', account: 'bench', set: 'bench', channel: 'bench', broker: 'none' },
    owner: { shard: 'shard-0', uid: 'pod-0' },
    greeks: mode === 'full',
    delivery: { format },
  });
  const slice = createAccountPipeline().slice('bench');
  slice.configure({ ...spec, groups: [...groups] });
  return { slice, decoder: new KiteDecoder() };
}
