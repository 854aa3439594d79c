import { describe, expect, test } from 'vitest';
import type { Token } from '../../../crds/index.ts';
import { batch, call } from '../batches.testing.ts';
import { type SinkBench, set, slice } from './bench.ts';

export function describeMarkAndEnd(bench: SinkBench): void {
  describe('mark', () => {
    const echoing = (token: Token, n: number, echo: string, on = bench.sink) =>
      on.send({ ...call(slice, token, n, batch(set, token, n)), echo });
    const mark = (name: string) => bench.other.mark(slice, name);

    test('without a fence: claim first; after the end: ended', async () => {
      expect(await mark('a.1')).toEqual({ kind: 'claimFirst' });
      const token = await bench.claimed();
      await bench.sink.end(slice, token);
      expect(await mark('a.2')).toEqual({ kind: 'ended' });
    });

    test("the owner's answers carry the newest mark, a repeated one too", async () => {
      const token = await bench.claimed();
      expect(await bench.sink.send(call(slice, token, 1))).toEqual({ kind: 'written' });
      expect(await mark('a.1')).toEqual({ kind: 'marked' });
      await mark('a.2');
      expect(await bench.sink.send(call(slice, token, 1))).toEqual({ kind: 'already', mark: 'a.2' });
      expect(await bench.sink.send(call(slice, token, 2, batch(set, token, 2)))).toEqual({
        kind: 'written',
        mark: 'a.2',
      });
    });

    test('an accepted echo is told to whoever marks next, the newest one', async () => {
      const token = await bench.claimed();
      await mark('a.1');
      await mark('a.2');
      await echoing(token, 1, 'a.1');
      expect(await mark('a.3')).toEqual({ kind: 'marked', echo: 'a.1' });
      await echoing(token, 2, 'a.2');
      await bench.sink.send(call(slice, token, 3));
      expect(await mark('a.4')).toEqual({ kind: 'marked', echo: 'a.2' });
    });

    test('an echo of a call that was not accepted does not count', async () => {
      const old = await bench.claimed(1);
      await mark('a.1');
      expect(await echoing(old, 5, 'a.1')).toMatchObject({ kind: 'gap' });
      expect(await echoing({ epoch: 9, claim: 9 }, 1, 'a.1')).toEqual({ kind: 'claimFirst' });
      await bench.sink.send(call(slice, old, 1));
      expect(await echoing(old, 1, 'a.1')).toMatchObject({ kind: 'already' });
      const newest = await bench.claimed(2);
      await mark('a.2');
      expect(await echoing(old, 2, 'a.2')).toEqual({ kind: 'refused', newest, last: 1 });
      expect(await mark('a.3')).toEqual({ kind: 'marked' });
    });

    test('a claim forgets marks and echoes', async () => {
      const old = await bench.claimed(1);
      await mark('a.1');
      await echoing(old, 1, 'a.1');
      const token = await bench.claimed(2);
      expect(await bench.sink.send(call(slice, token, 1))).toEqual({ kind: 'written' });
      expect(await mark('b.1')).toEqual({ kind: 'marked' });
    });

    test('belongs to one slice, and is written nowhere else', async () => {
      const token = await bench.claimed();
      await bench.sink.claim({ sliceUid: 'another', epoch: 1, above: 0, setUids: [set] });
      await mark('a.1');
      expect(await bench.sink.send(call('another', token, 1))).toEqual({ kind: 'written' });
      expect(await bench.streamed()).toEqual([]);
      expect(await bench.claim()).toMatchObject({ kind: 'claimed', previous: new Map() });
    });
  });

  describe('end', () => {
    test('is a tombstone: every token, older, same and newer, and every claim is told that the slice has ended', async () => {
      const old = await bench.claimed(1);
      const token = await bench.claimed(2);
      await bench.sink.send(call(slice, token, 1, batch(set, token, 1)));
      expect(await bench.sink.end(slice, token)).toEqual({ kind: 'written' });
      for (const any of [old, token, { epoch: 9, claim: 9 }]) {
        expect(await bench.sink.send(call(slice, any, 2, batch(set, any, 2)))).toEqual({ kind: 'ended' });
        expect(await bench.sink.sendLate(call(slice, any, 2))).toEqual({ kind: 'ended' });
        expect(await bench.other.claim({ sliceUid: slice, epoch: any.epoch, above: 0, setUids: [set] })).toEqual({
          kind: 'ended',
        });
      }
      expect(await bench.streamed()).toHaveLength(1);
    });

    test('again does nothing', async () => {
      const token = await bench.claimed();
      await bench.sink.end(slice, token);
      expect(await bench.sink.end(slice, token)).toEqual({ kind: 'ended' });
    });

    test('belongs to the newest token alone', async () => {
      expect(await bench.sink.end(slice, { epoch: 1, claim: 1 })).toEqual({ kind: 'claimFirst' });
      const old = await bench.claimed(1);
      await bench.sink.send(call(slice, old, 1));
      const newest = await bench.claimed(2);
      expect(await bench.sink.end(slice, old)).toEqual({ kind: 'refused', newest, last: 1 });
      expect(await bench.sink.end(slice, { epoch: 3, claim: 1 })).toEqual({ kind: 'claimFirst' });
      expect(await bench.sink.send(call(slice, newest, 1))).toEqual({ kind: 'written' });
    });

    test('takes the latest values away and leaves the stream to readers', async () => {
      const token = await bench.claimed();
      const latest = [{ instrument: 'NSE:INFY', time: 1, json: '{}' }];
      await bench.sink.send(call(slice, token, 1, batch(set, token, 1, { latest })));
      await bench.sink.end(slice, token);
      expect(await bench.reader.latest(set)).toEqual(new Map());
      expect(await bench.streamed()).toHaveLength(1);
    });
  });
}
