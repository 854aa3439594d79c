import { expect, test } from 'vitest';
import { silentLogger } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { MemorySink } from '../sinks/memory/memory-sink.ts';
import { Breakers } from './breakers.ts';
import { GuardedSink } from './guarded-sink.ts';
import { defaultLimits } from './limits.ts';
import { assembleForModel } from './model-sink.testing.ts';
import { sliceSet } from './shard.testing.ts';
import { SliceDelivery } from './slice-delivery.ts';
import { MemoryFiles } from './spool/memory-files.testing.ts';
import { Spool } from './spool/spool.ts';

/** A disk that takes its time: writes wait until it is let go. */
class SlowFiles extends MemoryFiles {
  #go: (() => void) | undefined;
  #waits: Promise<void> | undefined;

  stall(): void {
    this.#waits = new Promise((resolve) => {
      this.#go = resolve;
    });
  }

  goOn(): void {
    this.#waits = undefined;
    this.#go?.();
  }

  override async append(name: string, bytes: Uint8Array): Promise<void> {
    await this.#waits;
    await super.append(name, bytes);
  }
}

function deliveryWith(files: MemoryFiles, pauseFeed: (paused: boolean) => void = () => {}) {
  const clock = new VirtualClock();
  const random = new SeededRandom(1);
  const log = silentLogger;
  const breakers = new Breakers({ failures: 5, rest: { first: 200, most: 2000 }, random });
  const sink = new GuardedSink({ sink: new MemorySink({ clock }), breakers, clock, log });
  const spool = new Spool({ files, maxBytes: 1_000_000, log });
  const limits = { ...defaultLimits, outboxBytes: 1000, spillBytes: 200, spoolChunk: 100, feedPause: 1000 };
  const delivery = new SliceDelivery({
    slice: 'default/slice',
    sliceUid: 's',
    shard: 'shard-0',
    sink,
    spool,
    assemble: assembleForModel,
    emptyBody: () => '{}',
    clock,
    random,
    log,
    limits,
    settled: () => {},
    pauseFeed,
  });
  delivery.outbox.configure([sliceSet('a')]);
  return { clock, delivery };
}

test('while the disk is behind, the feed is left unread before anything is dropped, and read once it has caught up', async () => {
  const files = new SlowFiles();
  const pauses: boolean[] = [];
  const { clock, delivery } = deliveryWith(files, (paused) => pauses.push(paused));
  const { outbox, feedPause } = delivery;
  const ended = new AbortController();
  const [, [, keep]] = delivery.tasks() as [unknown, [string, (signal: AbortSignal) => Promise<void>]];
  const keeping = keep(ended.signal);
  files.stall();
  const body = 'x'.repeat(50);
  // Nobody named it, so all of it waits.
  for (let at = 1; pauses.length === 0; at++) {
    outbox.add({ setUid: 'set-a', count: 1, body, latest: [], firstReceived: at, lastReceived: at });
    delivery.kick();
    await clock.advance(1);
  }
  expect(pauses).toEqual([true]);
  expect(outbox.counters).toMatchObject({ dropped: 0, spooled: 0 });
  files.goOn();
  await clock.advance(10);
  expect(pauses).toEqual([true, false]);
  expect(feedPause.counters).toMatchObject({ pauses: 1 });
  expect(outbox.counters.dropped).toBe(0);
  expect(outbox.counters.spooled).toBeGreaterThan(0);
  ended.abort();
  await keeping;
  delivery.stop();
});

test('at the end a write that fails is tried again, until the disk takes it or its time is over', async () => {
  const files = new MemoryFiles();
  const { clock, delivery } = deliveryWith(files);
  const add = (at: number): void =>
    delivery.outbox.add({ setUid: 'set-a', count: 1, body: 'x', latest: [], firstReceived: at, lastReceived: at });
  add(1);
  files.unwritable = true;
  const sealed = delivery.seal(new AbortController().signal);
  await clock.advance(50);
  expect(delivery.outbox.counters).toMatchObject({ held: 1, spooled: 0 });
  files.unwritable = false;
  await clock.advance(1000);
  await sealed;
  expect(delivery.outbox.counters).toMatchObject({ held: 1, spooled: 1 });

  add(2);
  files.unwritable = true;
  const given = delivery.seal(new AbortController().signal);
  await clock.advance(10_000);
  await given;
  expect(delivery.outbox.counters).toMatchObject({ held: 2, spooled: 1 });
  expect(clock.pending).toBe(0);
  delivery.stop();
});
