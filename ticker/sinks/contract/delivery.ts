import { describe, expect, test } from 'vitest';
import { sleep, systemClock } from '../../../runtime/clock.ts';
import { silentLogger } from '../../../runtime/log.ts';
import { batch, call } from '../batches.testing.ts';
import { channelOf, everySliceChannel } from '../channels.ts';
import type { Published } from '../reader.ts';
import { subscribeSet } from '../set-subscription.ts';
import { type SinkBench, set, slice } from './bench.ts';

export function describeDelivery(bench: SinkBench): void {
  describe('latest values', () => {
    const row = (time: number, json: string, instrument = 'NSE:INFY') => ({ instrument, time, json });

    test('never go back in exchange time, and an equal time is newer', async () => {
      const token = await bench.claimed();
      const times: [number, string, string][] = [
        [1_767_585_600_000_000, 'a', 'a'],
        [1_767_585_599_999_999, 'b', 'a'],
        [1_767_585_600_000_000, 'c', 'c'],
        [1_767_585_600_000_001, 'd', 'd'],
        [0, 'e', 'd'],
      ];
      for (const [index, [time, json, expected]] of times.entries()) {
        await bench.sink.send(
          call(slice, token, index + 1, batch(set, token, index + 1, { latest: [row(time, json)] })),
        );
        expect((await bench.reader.latest(set)).get('NSE:INFY')).toBe(expected);
      }
    });

    test('of one batch, each instrument is judged by itself', async () => {
      const token = await bench.claimed();
      const first = [row(10, 'a1', 'NSE:A'), row(10, 'b1', 'NSE:B')];
      const second = [row(9, 'a2', 'NSE:A'), row(11, 'b2', 'NSE:B'), row(1, 'c2', 'NSE:C')];
      await bench.sink.send(call(slice, token, 1, batch(set, token, 1, { latest: first })));
      await bench.sink.send(call(slice, token, 2, batch(set, token, 2, { latest: second })));
      expect(Object.fromEntries(await bench.reader.latest(set))).toEqual({
        'NSE:A': 'a1',
        'NSE:B': 'b2',
        'NSE:C': 'c2',
      });
    });

    test('an instrument twice in one batch: the newest time stays, of equal ones the later', async () => {
      const token = await bench.claimed();
      const latest = [row(5, 'old'), row(7, 'first'), row(7, 'second'), row(6, 'older')];
      await bench.sink.send(call(slice, token, 1, batch(set, token, 1, { latest })));
      expect((await bench.reader.latest(set)).get('NSE:INFY')).toBe('second');
    });

    test('a large batch of them is kept whole', async () => {
      const token = await bench.claimed();
      const latest = Array.from({ length: 5000 }, (_, i) => row(i + 1, `{"i":${i}}`, `NFO:X${i}`));
      await bench.sink.send(call(slice, token, 1, batch(set, token, 1, { latest })));
      const read = await bench.reader.latest(set);
      expect(read.size).toBe(5000);
      expect(read.get('NFO:X4999')).toBe('{"i":4999}');
    });

    test('are read over all slices of a set, the newest of each instrument', async () => {
      for (const [sliceUid, time] of [
        ['one', 20],
        ['two', 10],
      ] as const) {
        const answer = await bench.sink.claim({ sliceUid, epoch: 1, above: 0, setUids: [set] });
        if (answer.kind !== 'claimed') throw new Error(answer.kind);
        const latest = [row(time, sliceUid), row(time, sliceUid, `NSE:${sliceUid}`)];
        await bench.sink.send(call(sliceUid, answer.token, 1, batch(set, answer.token, 1, { latest })));
      }
      expect(Object.fromEntries(await bench.reader.latest(set))).toEqual({
        'NSE:INFY': 'one',
        'NSE:one': 'one',
        'NSE:two': 'two',
      });
      expect([...(await bench.reader.slices(set))].sort()).toEqual(['one', 'two']);
    });
  });

  describe('streams', () => {
    test('are bounded, the oldest go first', async () => {
      const token = await bench.claimed();
      let trimmed = 0;
      for (let n = 1; n <= 400; n++) {
        const answer = await bench.sink.send(call(slice, token, n, batch(set, token, n, { streamMaxLength: 100 })));
        trimmed += answer.kind === 'written' ? (answer.trimmed ?? 0) : 0;
      }
      const kept = (await bench.streamed()).map((text) => JSON.parse(String(text)).seq);
      expect(kept.length).toBeGreaterThanOrEqual(100);
      expect(kept.length).toBeLessThanOrEqual(200);
      expect(kept.at(-1)).toBe(400);
      expect(kept[0]).toBe(400 - kept.length + 1);
      expect(trimmed).toBe(400 - kept.length);
    });

    test('a reader resumes by id, as many at a time as it wants', async () => {
      const token = await bench.claimed();
      for (let n = 1; n <= 5; n++) await bench.sink.send(call(slice, token, n, batch(set, token, n)));
      const first = await bench.reader.range(slice, set, '0', 3);
      const rest = await bench.reader.range(slice, set, first.at(-1)!.id, 100);
      expect([...first, ...rest].map((entry) => JSON.parse(String(entry.payload)).seq)).toEqual([1, 2, 3, 4, 5]);
      expect(await bench.reader.range(slice, set, rest.at(-1)!.id, 100)).toEqual([]);
      const seqs = (entries: readonly { payload: string | Uint8Array }[]) =>
        entries.map((entry) => JSON.parse(String(entry.payload)).seq);
      const newest = await bench.reader.rangeBack(slice, set, '+', 2);
      const older = await bench.reader.rangeBack(slice, set, newest.at(-1)!.id, 100);
      expect([...seqs(newest), ...seqs(older)]).toEqual([5, 4, 3, 2, 1]);
      expect(await bench.reader.rangeBack(slice, set, older.at(-1)!.id, 100)).toEqual([]);
    });

    test('what nobody has written is empty', async () => {
      expect(await bench.streamed('unknown')).toEqual([]);
      expect(await bench.reader.latest('unknown')).toEqual(new Map());
      expect(await bench.reader.slices('unknown')).toEqual([]);
    });

    test('a claim alone shows no batch and no value', async () => {
      await bench.claim();
      expect(await bench.streamed()).toEqual([]);
      expect(await bench.reader.latest(set)).toEqual(new Map());
      expect(await bench.reader.slices(set)).toEqual([slice]);
    });

    test('a set that joins after the claim is found by readers', async () => {
      const token = await bench.claimed();
      await bench.sink.send(call(slice, token, 1, batch('joined', token, 1)));
      expect(await bench.reader.slices('joined')).toEqual([slice]);
      expect(await bench.streamed('joined')).toHaveLength(1);
    });
  });

  describe('sharded channels', () => {
    const everySlice = everySliceChannel(`ticks:default:${set}`);
    const sharded = (sliceUid: string) => ({ channel: channelOf(everySlice, sliceUid) });

    test('carry the batches of one slice, and the channel of the set none', async () => {
      const token = await bench.claimed();
      const [own, whole] = [await bench.listen(sharded(slice).channel), await bench.listen()];
      const [first, second] = [batch(set, token, 1, sharded(slice)), batch(set, token, 2)];
      await bench.sink.send(call(slice, token, 1, first));
      await bench.sink.send(call(slice, token, 2, second));
      expect(await own.until(1)).toEqual([first.payload]);
      expect(await whole.until(1)).toEqual([second.payload]);
      expect(await bench.streamed()).toHaveLength(2);
      await own.unsubscribe();
      await bench.sink.send(call(slice, token, 3, batch(set, token, 3, sharded(slice))));
      await bench.sink.send(call(slice, token, 4, batch(set, token, 4)));
      await whole.until(2);
      expect(own.messages).toHaveLength(1);
    });

    test('of a set are all subscribed, those of new slices too', async () => {
      const heard: Published[] = [];
      const deliver = (message: Published): void => void heard.push(message);
      const options = {
        reader: bench.reader,
        clock: systemClock,
        log: silentLogger,
        setUid: set,
        channel: everySlice,
        deliver,
      };
      const unsubscribe = await subscribeSet(options);
      const payloads: unknown[] = [];
      for (const sliceUid of ['one', 'two']) {
        const answer = await bench.sink.claim({ sliceUid, epoch: 1, above: 0, setUids: [set] });
        if (answer.kind !== 'claimed') throw new Error(answer.kind);
        // Until it is found in the directory, what it publishes is missed.
        for (let n = 1; !heard.some(({ channel }) => channel === sharded(sliceUid).channel); n++) {
          const sent = batch(set, answer.token, n, sharded(sliceUid));
          await bench.sink.send(call(sliceUid, answer.token, n, sent));
          payloads.push(sent.payload);
          await sleep(systemClock, 20);
        }
      }
      for (const { payload } of heard) expect(payloads).toContain(payload);
      await unsubscribe();
    });
  });

  describe('reader', () => {
    test('gets everything of its channel from the subscription on, and nothing after it ends', async () => {
      const token = await bench.claimed();
      await bench.sink.send(call(slice, token, 1, batch(set, token, 1)));
      const first = await bench.listen();
      const second = await bench.listen();
      await bench.sink.send(call(slice, token, 2, batch(set, token, 2), batch('elsewhere', token, 1)));
      expect(await first.until(1)).toEqual([batch(set, token, 2).payload]);
      await first.unsubscribe();
      await bench.sink.send(call(slice, token, 3, batch(set, token, 3)));
      expect(await second.until(2)).toEqual([batch(set, token, 2).payload, batch(set, token, 3).payload]);
      expect(first.messages).toHaveLength(1);
    });

    test('may subscribe again after the last subscription of a channel ended', async () => {
      const token = await bench.claimed();
      await (await bench.listen()).unsubscribe();
      const heard = await bench.listen();
      await bench.sink.send(call(slice, token, 1, batch(set, token, 1)));
      expect(await heard.until(1)).toHaveLength(1);
    });
  });
}
