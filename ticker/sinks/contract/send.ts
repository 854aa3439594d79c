import { describe, expect, test } from 'vitest';
import { batch, call } from '../batches.testing.ts';
import { type SinkBench, set, slice } from './bench.ts';

export function describeSending(bench: SinkBench): void {
  describe('send', () => {
    test('without a fence: claim first, nothing written', async () => {
      const token = { epoch: 1, claim: 1 };
      const heard = await bench.listen();
      expect(await bench.sink.send(call(slice, token, 1, batch(set, token, 1)))).toEqual({ kind: 'claimFirst' });
      expect(await bench.streamed()).toEqual([]);
      expect(heard.messages).toEqual([]);
    });

    test('a token newer than the fence: claim first, by epoch and by claim', async () => {
      await bench.claim(2);
      for (const token of [
        { epoch: 2, claim: 2 },
        { epoch: 3, claim: 1 },
      ]) {
        expect(await bench.sink.send(call(slice, token, 1, batch(set, token, 1)))).toEqual({ kind: 'claimFirst' });
      }
      expect(await bench.streamed()).toEqual([]);
    });

    test('an older token is refused with the newest one and its own last n; nothing is written', async () => {
      const old = await bench.claimed(1);
      await bench.sink.send(call(slice, old, 1, batch(set, old, 1)));
      await bench.sink.send(call(slice, old, 2));
      const newest = await bench.claimed(2, bench.other);
      const kept = batch(set, old, 2, { latest: [{ instrument: 'NSE:INFY', time: 1, json: '{}' }] });
      expect(await bench.sink.send(call(slice, old, 3, kept))).toEqual({ kind: 'refused', newest, last: 2 });
      expect(await bench.streamed()).toEqual([batch(set, old, 1).payload]);
      expect(await bench.reader.latest(set)).toEqual(new Map());
    });

    test('an older claim of the same epoch is refused', async () => {
      const old = await bench.claimed(1);
      const newest = await bench.claimed(1);
      expect(await bench.sink.send(call(slice, old, 1))).toEqual({ kind: 'refused', newest, last: 0 });
    });

    test('epochs and claims are compared as numbers', async () => {
      const old = await bench.claimed(9);
      const newest = await bench.claimed(10);
      expect(await bench.sink.send(call(slice, old, 1))).toEqual({ kind: 'refused', newest, last: 0 });
      expect(await bench.sink.send(call(slice, newest, 1))).toEqual({ kind: 'written' });
    });

    test('writes to stream, channel and latest values', async () => {
      const token = await bench.claimed();
      const heard = await bench.listen();
      const sealed = batch(set, token, 1, { latest: [{ instrument: 'NSE:INFY', time: 5, json: '{"p":1}' }] });
      expect(await bench.sink.send(call(slice, token, 1, sealed))).toEqual({ kind: 'written' });
      expect(await heard.until(1)).toEqual([sealed.payload]);
      expect(await bench.streamed()).toEqual([sealed.payload]);
      expect(await bench.reader.latest(set)).toEqual(new Map([['NSE:INFY', '{"p":1}']]));
    });

    test('binary payloads arrive byte for byte', async () => {
      const token = await bench.claimed();
      const payload = new Uint8Array([0xff, 0xff, 0xff, 0xff, 0, 1, 2, 0xc3, 0x28, 0x0a]);
      const heard = await bench.listen();
      await bench.sink.send(call(slice, token, 1, batch(set, token, 1, { payload })));
      await heard.until(1);
      expect([...(heard.messages[0]!.payload as Uint8Array)]).toEqual([...payload]);
      expect([...((await bench.streamed())[0] as Uint8Array)]).toEqual([...payload]);
    });

    test('text outside ASCII arrives as it was', async () => {
      const token = await bench.claimed();
      const payload = '{"symbol":"M&M ₹ 漢"}';
      const heard = await bench.listen();
      await bench.sink.send(call(slice, token, 1, batch(set, token, 1, { payload })));
      expect(await heard.until(1)).toEqual([payload]);
      expect(await bench.streamed()).toEqual([payload]);
    });

    test('the batches of several sets in one call go each to its own', async () => {
      const token = await bench.claimed();
      const [a, b] = [batch('a', token, 1), batch('b', token, 1)];
      const heard = await bench.listen('ticks:default:b');
      await bench.sink.send(call(slice, token, 1, a, b));
      expect(await heard.until(1)).toEqual([b.payload]);
      expect([await bench.streamed('a'), await bench.streamed('b')]).toEqual([[a.payload], [b.payload]]);
    });

    test('a set that does not publish, or keeps no stream, gets neither', async () => {
      const token = await bench.claimed();
      const heard = await bench.listen();
      const { channel: _c, streamMaxLength: _s, ...silent } = batch(set, token, 1);
      expect(await bench.sink.send(call(slice, token, 1, silent))).toEqual({ kind: 'written' });
      await bench.sink.send(call(slice, token, 2, batch(set, token, 2)));
      expect(await heard.until(1)).toEqual([batch(set, token, 2).payload]);
      expect(await bench.streamed()).toHaveLength(1);
    });

    test('the same call again, after a lost reply, duplicates nothing', async () => {
      const token = await bench.claimed();
      const heard = await bench.listen();
      const sent = call(slice, token, 1, batch(set, token, 1));
      expect(await bench.sink.send(sent)).toEqual({ kind: 'written' });
      expect(await bench.sink.send(sent)).toEqual({ kind: 'already' });
      await bench.sink.send(call(slice, token, 2, batch(set, token, 2)));
      expect(await bench.sink.send(sent)).toEqual({ kind: 'already' });
      expect(await heard.until(2)).toHaveLength(2);
      expect(await bench.streamed()).toHaveLength(2);
    });

    test('a call that skips is a gap with the last n; going back heals it', async () => {
      const token = await bench.claimed();
      expect(await bench.sink.send(call(slice, token, 2))).toEqual({ kind: 'gap', last: 0 });
      await bench.sink.send(call(slice, token, 1, batch(set, token, 1)));
      expect(await bench.sink.send(call(slice, token, 3, batch(set, token, 3)))).toEqual({ kind: 'gap', last: 1 });
      expect(await bench.streamed()).toHaveLength(1);
      expect(await bench.sink.send(call(slice, token, 2, batch(set, token, 2)))).toEqual({ kind: 'written' });
      expect(await bench.sink.send(call(slice, token, 3, batch(set, token, 3)))).toEqual({ kind: 'written' });
      expect(await bench.streamed()).toHaveLength(3);
    });

    test('n counts anew from each claim', async () => {
      const first = await bench.claimed();
      await bench.sink.send(call(slice, first, 1));
      await bench.sink.send(call(slice, first, 2));
      const second = await bench.claimed();
      expect(await bench.sink.send(call(slice, second, 3))).toEqual({ kind: 'gap', last: 0 });
      expect(await bench.sink.send(call(slice, second, 1))).toEqual({ kind: 'written' });
    });

    test('an empty call is a heartbeat of the slice: it counts and writes nothing', async () => {
      const token = await bench.claimed();
      expect(await bench.sink.send(call(slice, token, 1))).toEqual({ kind: 'written' });
      expect(await bench.sink.send(call(slice, token, 2))).toEqual({ kind: 'written' });
      expect(await bench.streamed()).toEqual([]);
    });

    test('a heartbeat of a set is published and goes to no stream', async () => {
      const token = await bench.claimed();
      const heard = await bench.listen();
      const heartbeat = batch(set, token, 0, { header: { count: 0 } });
      await bench.sink.send(call(slice, token, 1, heartbeat));
      expect(await heard.until(1)).toEqual([heartbeat.payload]);
      expect(await bench.streamed()).toEqual([]);
    });

    test('calls that are sent before the last answer are taken in order', async () => {
      const token = await bench.claimed();
      const heard = await bench.listen();
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) => bench.sink.send(call(slice, token, i + 1, batch(set, token, i + 1)))),
      );
      expect(new Set(answers.map((answer) => answer.kind))).toEqual(new Set(['written']));
      const sequence = (await heard.until(50)).map((text) => JSON.parse(text).seq);
      expect(sequence).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
      expect((await bench.streamed()).map((text) => JSON.parse(String(text)).seq)).toEqual(sequence);
    });

    test('a claim between calls in flight splits them: all before are written, all after refused', async () => {
      const token = await bench.claimed(1);
      const sends = Array.from({ length: 40 }, (_, i) =>
        bench.sink.send(call(slice, token, i + 1, batch(set, token, i + 1))),
      );
      const taken = bench.claim(2, 0, [set], bench.other);
      const kinds = (await Promise.all(sends)).map((answer) => answer.kind);
      const written = kinds.filter((kind) => kind === 'written').length;
      expect(kinds).toEqual([...Array(written).fill('written'), ...Array(40 - written).fill('refused')]);
      const answer = await taken;
      if (written > 0) expect(answer).toMatchObject({ before: { token, n: written } });
      expect(await bench.streamed()).toHaveLength(written);
    });
  });
}
