import { createAccountPipeline } from '../ticker/pipeline/pipeline.ts';
import { kolkata, sliceSet, sliceSpec } from '../ticker/pipeline/ticks.testing.ts';
import { KiteDecoder } from '../ticker/providers/kite/decoder.ts';
import { record } from './end-to-end/recording.ts';

const now = performance.timeOrigin + performance.now();
for (const mode of (process.argv[2] ?? 'full,quote').split(',') as ('full' | 'quote')[]) {
  const rec = record(mode, now);
  const set = sliceSet('s', {
    ...(mode === 'full' ? { greeks: kolkata } : {}),
    delivery: {
      format: 'json',
      pubsub: true,
      sharded: false,
      latest: process.argv[4] === 'latest',
      window: 100,
      maxTicks: 1000,
      conflate: false,
    },
  });
  const slice = createAccountPipeline().slice('a');
  slice.configure(sliceSpec([set], [...rec.groups]));
  const decoder = new KiteDecoder();
  let bytes = 0;
  const passes = Number(process.argv[3] ?? 12);
  for (let pass = 0; pass < passes; pass++) {
    // histories restart each pass, for volume goes back
    const connection = { decode: decoder.decode.bind(decoder) };
    const c0 = process.cpuUsage();
    const t0 = performance.now();
    let n = 0;
    rec.frames.forEach((frame, i) => {
      slice.frame(connection, frame, Math.round((now + (i * 250) / 4) * 1000) + 10_000_000);
      n += rec.packets[i]!.all;
      for (const b of slice.take(0)) bytes += b.body.length;
    });
    const c = process.cpuUsage(c0);
    console.log(
      mode,
      'ns/tick cpu',
      Math.round((1000 * (c.user + c.system)) / n),
      'wall',
      Math.round((1e6 * (performance.now() - t0)) / n),
      'invalid',
      slice.counters.invalid,
      slice.counters.greeksUnsolved,
    );
  }
}
