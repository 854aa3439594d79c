import { describe, expect, test } from 'vitest';
import { batch, call } from '../batches.testing.ts';
import { type SinkBench, set, slice } from './bench.ts';

export function describeClaims(bench: SinkBench): void {
  describe('claim', () => {
    test('a new fence gives claim 1 and knows nothing before it', async () => {
      expect(await bench.claim(3)).toEqual({ kind: 'claimed', token: { epoch: 3, claim: 1 }, previous: new Map() });
    });

    test('the same epoch again counts the claim up', async () => {
      await bench.claim(3);
      expect(await bench.claim(3)).toMatchObject({ token: { epoch: 3, claim: 2 } });
    });

    test('a higher epoch starts at claim 1', async () => {
      await bench.claim(3);
      await bench.claim(3);
      expect(await bench.claim(4)).toMatchObject({ token: { epoch: 4, claim: 1 } });
    });

    test('a lower epoch is refused with the newest token, and changes nothing', async () => {
      const token = await bench.claimed(3);
      expect(await bench.claim(2)).toEqual({ kind: 'refused', newest: token });
      expect(await bench.sink.send(call(slice, token, 1))).toEqual({ kind: 'written' });
    });

    test('is above what the shard remembers, also where the sink has lost its data', async () => {
      expect(await bench.claim(3, 7)).toMatchObject({ token: { epoch: 3, claim: 8 } });
      expect(await bench.claim(3, 2)).toMatchObject({ token: { epoch: 3, claim: 9 } });
    });

    test('names the last accepted call', async () => {
      const first = await bench.claimed();
      await bench.sink.send(call(slice, first, 1, batch(set, first, 1)));
      await bench.sink.send(call(slice, first, 2));
      expect(await bench.claim()).toMatchObject({ before: { token: first, n: 2 } });
    });

    test('names the last accepted call across claims that sent nothing', async () => {
      const first = await bench.claimed();
      await bench.sink.send(call(slice, first, 1, batch(set, first, 1)));
      await bench.claim();
      await bench.claim();
      expect(await bench.claim(2)).toMatchObject({ token: { epoch: 2, claim: 1 }, before: { token: first, n: 1 } });
    });

    test('names the last batch of each set, whatever token it had', async () => {
      const first = await bench.claimed();
      await bench.sink.send(call(slice, first, 1, batch('a', first, 1), batch('b', first, 1)));
      await bench.sink.send(call(slice, first, 2, batch('a', first, 2)));
      const second = await bench.claimed(2);
      await bench.sink.send(call(slice, second, 1, batch('b', second, 1)));
      const answer = await bench.claim(3);
      expect(answer.kind === 'claimed' && [...answer.previous].sort()).toEqual([
        ['a', { ...first, seq: 2 }],
        ['b', { ...second, seq: 1 }],
      ]);
    });

    test('a heartbeat is not the last batch of a set', async () => {
      const first = await bench.claimed();
      await bench.sink.send(call(slice, first, 1, batch(set, first, 1)));
      const second = await bench.claimed();
      await bench.sink.send(call(slice, second, 1, batch(set, second, 0, { header: { count: 0 } })));
      expect(await bench.claim()).toMatchObject({
        before: { token: second, n: 1 },
        previous: new Map([[set, { ...first, seq: 1 }]]),
      });
    });

    test('of two claimants of one epoch at once, exactly one is accepted', async () => {
      const claims = await Promise.all([bench.claim(5), bench.claim(5, 0, [set], bench.other)]);
      const tokens = claims.map((answer) => (answer.kind === 'claimed' ? answer.token : undefined));
      expect(tokens.map((token) => token?.claim).sort()).toEqual([1, 2]);
      const answers = await Promise.all([
        bench.sink.send(call(slice, tokens[0]!, 1, batch(set, tokens[0]!, 1))),
        bench.other.send(call(slice, tokens[1]!, 1, batch(set, tokens[1]!, 1))),
      ]);
      expect(answers.map((answer) => answer.kind).sort()).toEqual(['refused', 'written']);
      expect(await bench.streamed()).toHaveLength(1);
    });

    test('slices have fences of their own', async () => {
      const token = await bench.claimed(9);
      const answer = await bench.sink.claim({ sliceUid: 'another', epoch: 1, above: 0, setUids: [set] });
      expect(answer).toMatchObject({ kind: 'claimed', token: { epoch: 1, claim: 1 } });
      expect(await bench.sink.send(call(slice, token, 1))).toEqual({ kind: 'written' });
    });
  });
}
