import { describe, expect, test } from 'vitest';
import type { Token } from '../../../crds/index.ts';
import { batch, call } from '../batches.testing.ts';
import { tokensKept } from '../limits.ts';
import { type SinkBench, set, slice } from './bench.ts';

export function describeLate(bench: SinkBench): void {
  describe('late', () => {
    test('goes on from the last live n, in order, and never to channel, stream or latest values', async () => {
      const old = await bench.claimed(1);
      await bench.sink.send(call(slice, old, 1, batch(set, old, 1)));
      const newest = await bench.claimed(2);
      const heard = await bench.listen();
      const late = (n: number) =>
        call(
          slice,
          old,
          n,
          batch(set, old, n, {
            header: { late: true },
            latest: [{ instrument: 'NSE:INFY', time: 8_000_000_000_000_000, json: 'late' }],
          }),
        );
      expect(await bench.sink.sendLate(late(1))).toEqual({ kind: 'already' });
      expect(await bench.sink.sendLate(late(3))).toEqual({ kind: 'gap', last: 1 });
      expect(await bench.sink.sendLate(late(2))).toEqual({ kind: 'written' });
      expect(await bench.sink.sendLate(late(2))).toEqual({ kind: 'already' });
      expect(await bench.sink.sendLate(late(3))).toEqual({ kind: 'written' });
      await bench.sink.send(call(slice, newest, 1, batch(set, newest, 1)));
      expect(await heard.until(1)).toEqual([batch(set, newest, 1).payload]);
      expect(await bench.streamed()).toEqual([batch(set, old, 1).payload, batch(set, newest, 1).payload]);
      expect(await bench.reader.latest(set)).toEqual(new Map());
    });

    test('does not change what a claim tells of before', async () => {
      const old = await bench.claimed(1);
      await bench.sink.send(call(slice, old, 1, batch(set, old, 1)));
      await bench.claimed(2);
      await bench.sink.sendLate(call(slice, old, 2, batch(set, old, 2)));
      expect(await bench.claim(3)).toMatchObject({
        before: { token: old, n: 1 },
        previous: new Map([[set, { ...old, seq: 1 }]]),
      });
    });

    test('counts towards the last n that a refusal names', async () => {
      const old = await bench.claimed(1);
      await bench.sink.send(call(slice, old, 1));
      const newest = await bench.claimed(2);
      await bench.sink.sendLate(call(slice, old, 2));
      expect(await bench.sink.send(call(slice, old, 3))).toEqual({ kind: 'refused', newest, last: 2 });
    });

    test('the newest token, a newer one, or no fence: claim first', async () => {
      const token = { epoch: 2, claim: 1 };
      expect(await bench.sink.sendLate(call(slice, token, 1))).toEqual({ kind: 'claimFirst' });
      await bench.claimed(2);
      expect(await bench.sink.sendLate(call(slice, token, 1))).toEqual({ kind: 'claimFirst' });
      expect(await bench.sink.sendLate(call(slice, { epoch: 3, claim: 1 }, 1))).toEqual({ kind: 'claimFirst' });
    });

    test('of a token that this fence never saw starts at 1', async () => {
      await bench.claimed(5);
      const lost = { epoch: 4, claim: 3 };
      expect(await bench.sink.sendLate(call(slice, lost, 7))).toEqual({ kind: 'gap', last: 0 });
      expect(await bench.sink.sendLate(call(slice, lost, 1, batch(set, lost, 1)))).toEqual({ kind: 'written' });
      expect(await bench.sink.sendLate(call(slice, lost, 1, batch(set, lost, 1)))).toEqual({ kind: 'already' });
    });

    test('the 16 newest tokens are remembered, an older one is refused', async () => {
      const tokens: Token[] = [];
      for (let i = 0; i <= tokensKept; i++) {
        const token = await bench.claimed(i + 1);
        tokens.push(token);
        await bench.sink.send(call(slice, token, 1));
        await bench.sink.send(call(slice, token, 2));
      }
      const newest = tokens.at(-1)!;
      expect(await bench.sink.send(call(slice, tokens[0]!, 3))).toEqual({ kind: 'refused', newest, last: 0 });
      expect(await bench.sink.send(call(slice, tokens[1]!, 3))).toEqual({ kind: 'refused', newest, last: 2 });
      expect(await bench.sink.sendLate(call(slice, tokens[0]!, 3))).toEqual({ kind: 'refused', newest, last: 0 });
      expect(await bench.sink.sendLate(call(slice, tokens[1]!, 3))).toEqual({ kind: 'written' });
    });
  });
}
