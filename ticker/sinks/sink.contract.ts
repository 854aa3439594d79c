import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Token } from '../../crds/index.ts';
import { sleep, systemClock } from '../../runtime/clock.ts';
import { silentLogger } from '../../runtime/log.ts';
import { batch, call } from './batches.testing.ts';
import { channelOf, everySliceChannel } from './channels.ts';
import { tokensKept } from './limits.ts';
import type { Published, SinkReader } from './reader.ts';
import { subscribeSet } from './set-subscription.ts';
import type { ClaimAnswer, Sink } from './sink.ts';

/** One store, empty at the start of each test. */
export interface SinkFixture {
  readonly sink: Sink;
  readonly reader: SinkReader;
  /** A second, independent client of the same store: another shard. */
  readonly other: Sink;
  close(): Promise<void>;
}

const slice = 'slice-uid';
const set = 'set-uid';

/** What every {@link Sink} with its {@link SinkReader} must do (the ownership protocol, sections 1, 2 and 7). */
export function describeSink(name: string, make: () => Promise<SinkFixture>): void {
  describe(`${name} keeps the contract of a sink`, () => {
    let fixture: SinkFixture;
    let sink: Sink;
    let reader: SinkReader;

    beforeEach(async () => {
      fixture = await make();
      ({ sink, reader } = fixture);
    });
    afterEach(async () => {
      await fixture.close();
    });

    const claim = (epoch = 1, above = 0, setUids = [set], on = sink): Promise<ClaimAnswer> =>
      on.claim({ sliceUid: slice, epoch, above, setUids });

    async function claimed(epoch = 1, on = sink): Promise<Token> {
      const answer = await claim(epoch, 0, [set], on);
      if (answer.kind !== 'claimed') throw new Error(`the claim was answered with ${answer.kind}`);
      return answer.token;
    }

    async function streamed(setUid = set, sliceUid = slice): Promise<(string | Uint8Array)[]> {
      return (await reader.range(sliceUid, setUid, '0', 1000)).map((entry) => entry.payload);
    }

    /** Collects what is published; `until` waits for as many messages. */
    async function listen(channel = `ticks:default:${set}`) {
      const messages: Published[] = [];
      let wake = (): void => {};
      const unsubscribe = await reader.subscribe(channel, (message) => {
        messages.push(message);
        wake();
      });
      const until = async (count: number): Promise<string[]> => {
        while (messages.length < count) await new Promise<void>((resolve) => (wake = resolve));
        return messages.map((message) => String(message.payload));
      };
      return { messages, until, unsubscribe };
    }

    describe('claim', () => {
      test('a new fence gives claim 1 and knows nothing before it', async () => {
        expect(await claim(3)).toEqual({ kind: 'claimed', token: { epoch: 3, claim: 1 }, previous: new Map() });
      });

      test('the same epoch again counts the claim up', async () => {
        await claim(3);
        expect(await claim(3)).toMatchObject({ token: { epoch: 3, claim: 2 } });
      });

      test('a higher epoch starts at claim 1', async () => {
        await claim(3);
        await claim(3);
        expect(await claim(4)).toMatchObject({ token: { epoch: 4, claim: 1 } });
      });

      test('a lower epoch is refused with the newest token, and changes nothing', async () => {
        const token = await claimed(3);
        expect(await claim(2)).toEqual({ kind: 'refused', newest: token });
        expect(await sink.send(call(slice, token, 1))).toEqual({ kind: 'written' });
      });

      test('is above what the shard remembers, also where the sink has lost its data', async () => {
        expect(await claim(3, 7)).toMatchObject({ token: { epoch: 3, claim: 8 } });
        expect(await claim(3, 2)).toMatchObject({ token: { epoch: 3, claim: 9 } });
      });

      test('names the last accepted call', async () => {
        const first = await claimed();
        await sink.send(call(slice, first, 1, batch(set, first, 1)));
        await sink.send(call(slice, first, 2));
        expect(await claim()).toMatchObject({ before: { token: first, n: 2 } });
      });

      test('names the last accepted call across claims that sent nothing', async () => {
        const first = await claimed();
        await sink.send(call(slice, first, 1, batch(set, first, 1)));
        await claim();
        await claim();
        expect(await claim(2)).toMatchObject({ token: { epoch: 2, claim: 1 }, before: { token: first, n: 1 } });
      });

      test('names the last batch of each set, whatever token it had', async () => {
        const first = await claimed();
        await sink.send(call(slice, first, 1, batch('a', first, 1), batch('b', first, 1)));
        await sink.send(call(slice, first, 2, batch('a', first, 2)));
        const second = await claimed(2);
        await sink.send(call(slice, second, 1, batch('b', second, 1)));
        const answer = await claim(3);
        expect(answer.kind === 'claimed' && [...answer.previous].sort()).toEqual([
          ['a', { ...first, seq: 2 }],
          ['b', { ...second, seq: 1 }],
        ]);
      });

      test('a heartbeat is not the last batch of a set', async () => {
        const first = await claimed();
        await sink.send(call(slice, first, 1, batch(set, first, 1)));
        const second = await claimed();
        await sink.send(call(slice, second, 1, batch(set, second, 0, { header: { count: 0 } })));
        expect(await claim()).toMatchObject({
          before: { token: second, n: 1 },
          previous: new Map([[set, { ...first, seq: 1 }]]),
        });
      });

      test('of two claimants of one epoch at once, exactly one is accepted', async () => {
        const claims = await Promise.all([claim(5), claim(5, 0, [set], fixture.other)]);
        const tokens = claims.map((answer) => (answer.kind === 'claimed' ? answer.token : undefined));
        expect(tokens.map((token) => token?.claim).sort()).toEqual([1, 2]);
        const answers = await Promise.all([
          sink.send(call(slice, tokens[0]!, 1, batch(set, tokens[0]!, 1))),
          fixture.other.send(call(slice, tokens[1]!, 1, batch(set, tokens[1]!, 1))),
        ]);
        expect(answers.map((answer) => answer.kind).sort()).toEqual(['refused', 'written']);
        expect(await streamed()).toHaveLength(1);
      });

      test('slices have fences of their own', async () => {
        const token = await claimed(9);
        const answer = await sink.claim({ sliceUid: 'another', epoch: 1, above: 0, setUids: [set] });
        expect(answer).toMatchObject({ kind: 'claimed', token: { epoch: 1, claim: 1 } });
        expect(await sink.send(call(slice, token, 1))).toEqual({ kind: 'written' });
      });
    });

    describe('send', () => {
      test('without a fence: claim first, nothing written', async () => {
        const token = { epoch: 1, claim: 1 };
        const heard = await listen();
        expect(await sink.send(call(slice, token, 1, batch(set, token, 1)))).toEqual({ kind: 'claimFirst' });
        expect(await streamed()).toEqual([]);
        expect(heard.messages).toEqual([]);
      });

      test('a token newer than the fence: claim first, by epoch and by claim', async () => {
        await claim(2);
        for (const token of [
          { epoch: 2, claim: 2 },
          { epoch: 3, claim: 1 },
        ]) {
          expect(await sink.send(call(slice, token, 1, batch(set, token, 1)))).toEqual({ kind: 'claimFirst' });
        }
        expect(await streamed()).toEqual([]);
      });

      test('an older token is refused with the newest one and its own last n; nothing is written', async () => {
        const old = await claimed(1);
        await sink.send(call(slice, old, 1, batch(set, old, 1)));
        await sink.send(call(slice, old, 2));
        const newest = await claimed(2, fixture.other);
        const kept = batch(set, old, 2, { latest: [{ instrument: 'NSE:INFY', time: 1, json: '{}' }] });
        expect(await sink.send(call(slice, old, 3, kept))).toEqual({ kind: 'refused', newest, last: 2 });
        expect(await streamed()).toEqual([batch(set, old, 1).payload]);
        expect(await reader.latest(set)).toEqual(new Map());
      });

      test('an older claim of the same epoch is refused', async () => {
        const old = await claimed(1);
        const newest = await claimed(1);
        expect(await sink.send(call(slice, old, 1))).toEqual({ kind: 'refused', newest, last: 0 });
      });

      test('epochs and claims are compared as numbers', async () => {
        const old = await claimed(9);
        const newest = await claimed(10);
        expect(await sink.send(call(slice, old, 1))).toEqual({ kind: 'refused', newest, last: 0 });
        expect(await sink.send(call(slice, newest, 1))).toEqual({ kind: 'written' });
      });

      test('writes to stream, channel and latest values', async () => {
        const token = await claimed();
        const heard = await listen();
        const sealed = batch(set, token, 1, { latest: [{ instrument: 'NSE:INFY', time: 5, json: '{"p":1}' }] });
        expect(await sink.send(call(slice, token, 1, sealed))).toEqual({ kind: 'written' });
        expect(await heard.until(1)).toEqual([sealed.payload]);
        expect(await streamed()).toEqual([sealed.payload]);
        expect(await reader.latest(set)).toEqual(new Map([['NSE:INFY', '{"p":1}']]));
      });

      test('binary payloads arrive byte for byte', async () => {
        const token = await claimed();
        const payload = new Uint8Array([0xff, 0xff, 0xff, 0xff, 0, 1, 2, 0xc3, 0x28, 0x0a]);
        const heard = await listen();
        await sink.send(call(slice, token, 1, batch(set, token, 1, { payload })));
        await heard.until(1);
        expect([...(heard.messages[0]!.payload as Uint8Array)]).toEqual([...payload]);
        expect([...((await streamed())[0] as Uint8Array)]).toEqual([...payload]);
      });

      test('text outside ASCII arrives as it was', async () => {
        const token = await claimed();
        const payload = '{"symbol":"M&M ₹ 漢"}';
        const heard = await listen();
        await sink.send(call(slice, token, 1, batch(set, token, 1, { payload })));
        expect(await heard.until(1)).toEqual([payload]);
        expect(await streamed()).toEqual([payload]);
      });

      test('the batches of several sets in one call go each to its own', async () => {
        const token = await claimed();
        const [a, b] = [batch('a', token, 1), batch('b', token, 1)];
        const heard = await listen('ticks:default:b');
        await sink.send(call(slice, token, 1, a, b));
        expect(await heard.until(1)).toEqual([b.payload]);
        expect([await streamed('a'), await streamed('b')]).toEqual([[a.payload], [b.payload]]);
      });

      test('a set that does not publish, or keeps no stream, gets neither', async () => {
        const token = await claimed();
        const heard = await listen();
        const { channel: _c, streamMaxLength: _s, ...silent } = batch(set, token, 1);
        expect(await sink.send(call(slice, token, 1, silent))).toEqual({ kind: 'written' });
        await sink.send(call(slice, token, 2, batch(set, token, 2)));
        expect(await heard.until(1)).toEqual([batch(set, token, 2).payload]);
        expect(await streamed()).toHaveLength(1);
      });

      test('the same call again, after a lost reply, duplicates nothing', async () => {
        const token = await claimed();
        const heard = await listen();
        const sent = call(slice, token, 1, batch(set, token, 1));
        expect(await sink.send(sent)).toEqual({ kind: 'written' });
        expect(await sink.send(sent)).toEqual({ kind: 'already' });
        await sink.send(call(slice, token, 2, batch(set, token, 2)));
        expect(await sink.send(sent)).toEqual({ kind: 'already' });
        expect(await heard.until(2)).toHaveLength(2);
        expect(await streamed()).toHaveLength(2);
      });

      test('a call that skips is a gap with the last n; going back heals it', async () => {
        const token = await claimed();
        expect(await sink.send(call(slice, token, 2))).toEqual({ kind: 'gap', last: 0 });
        await sink.send(call(slice, token, 1, batch(set, token, 1)));
        expect(await sink.send(call(slice, token, 3, batch(set, token, 3)))).toEqual({ kind: 'gap', last: 1 });
        expect(await streamed()).toHaveLength(1);
        expect(await sink.send(call(slice, token, 2, batch(set, token, 2)))).toEqual({ kind: 'written' });
        expect(await sink.send(call(slice, token, 3, batch(set, token, 3)))).toEqual({ kind: 'written' });
        expect(await streamed()).toHaveLength(3);
      });

      test('n counts anew from each claim', async () => {
        const first = await claimed();
        await sink.send(call(slice, first, 1));
        await sink.send(call(slice, first, 2));
        const second = await claimed();
        expect(await sink.send(call(slice, second, 3))).toEqual({ kind: 'gap', last: 0 });
        expect(await sink.send(call(slice, second, 1))).toEqual({ kind: 'written' });
      });

      test('an empty call is a heartbeat of the slice: it counts and writes nothing', async () => {
        const token = await claimed();
        expect(await sink.send(call(slice, token, 1))).toEqual({ kind: 'written' });
        expect(await sink.send(call(slice, token, 2))).toEqual({ kind: 'written' });
        expect(await streamed()).toEqual([]);
      });

      test('a heartbeat of a set is published and goes to no stream', async () => {
        const token = await claimed();
        const heard = await listen();
        const heartbeat = batch(set, token, 0, { header: { count: 0 } });
        await sink.send(call(slice, token, 1, heartbeat));
        expect(await heard.until(1)).toEqual([heartbeat.payload]);
        expect(await streamed()).toEqual([]);
      });

      test('calls that are sent before the last answer are taken in order', async () => {
        const token = await claimed();
        const heard = await listen();
        const answers = await Promise.all(
          Array.from({ length: 50 }, (_, i) => sink.send(call(slice, token, i + 1, batch(set, token, i + 1)))),
        );
        expect(new Set(answers.map((answer) => answer.kind))).toEqual(new Set(['written']));
        const sequence = (await heard.until(50)).map((text) => JSON.parse(text).seq);
        expect(sequence).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
        expect((await streamed()).map((text) => JSON.parse(String(text)).seq)).toEqual(sequence);
      });

      test('a claim between calls in flight splits them: all before are written, all after refused', async () => {
        const token = await claimed(1);
        const sends = Array.from({ length: 40 }, (_, i) =>
          sink.send(call(slice, token, i + 1, batch(set, token, i + 1))),
        );
        const taken = claim(2, 0, [set], fixture.other);
        const kinds = (await Promise.all(sends)).map((answer) => answer.kind);
        const written = kinds.filter((kind) => kind === 'written').length;
        expect(kinds).toEqual([...Array(written).fill('written'), ...Array(40 - written).fill('refused')]);
        const answer = await taken;
        if (written > 0) expect(answer).toMatchObject({ before: { token, n: written } });
        expect(await streamed()).toHaveLength(written);
      });
    });

    describe('latest values', () => {
      const row = (time: number, json: string, instrument = 'NSE:INFY') => ({ instrument, time, json });

      test('never go back in exchange time, and an equal time is newer', async () => {
        const token = await claimed();
        const times: [number, string, string][] = [
          [1_767_585_600_000_000, 'a', 'a'],
          [1_767_585_599_999_999, 'b', 'a'],
          [1_767_585_600_000_000, 'c', 'c'],
          [1_767_585_600_000_001, 'd', 'd'],
          [0, 'e', 'd'],
        ];
        for (const [index, [time, json, expected]] of times.entries()) {
          await sink.send(call(slice, token, index + 1, batch(set, token, index + 1, { latest: [row(time, json)] })));
          expect((await reader.latest(set)).get('NSE:INFY')).toBe(expected);
        }
      });

      test('of one batch, each instrument is judged by itself', async () => {
        const token = await claimed();
        const first = [row(10, 'a1', 'NSE:A'), row(10, 'b1', 'NSE:B')];
        const second = [row(9, 'a2', 'NSE:A'), row(11, 'b2', 'NSE:B'), row(1, 'c2', 'NSE:C')];
        await sink.send(call(slice, token, 1, batch(set, token, 1, { latest: first })));
        await sink.send(call(slice, token, 2, batch(set, token, 2, { latest: second })));
        expect(Object.fromEntries(await reader.latest(set))).toEqual({ 'NSE:A': 'a1', 'NSE:B': 'b2', 'NSE:C': 'c2' });
      });

      test('an instrument twice in one batch: the newest time stays, of equal ones the later', async () => {
        const token = await claimed();
        const latest = [row(5, 'old'), row(7, 'first'), row(7, 'second'), row(6, 'older')];
        await sink.send(call(slice, token, 1, batch(set, token, 1, { latest })));
        expect((await reader.latest(set)).get('NSE:INFY')).toBe('second');
      });

      test('a large batch of them is kept whole', async () => {
        const token = await claimed();
        const latest = Array.from({ length: 5000 }, (_, i) => row(i + 1, `{"i":${i}}`, `NFO:X${i}`));
        await sink.send(call(slice, token, 1, batch(set, token, 1, { latest })));
        const read = await reader.latest(set);
        expect(read.size).toBe(5000);
        expect(read.get('NFO:X4999')).toBe('{"i":4999}');
      });

      test('are read over all slices of a set, the newest of each instrument', async () => {
        for (const [sliceUid, time] of [
          ['one', 20],
          ['two', 10],
        ] as const) {
          const answer = await sink.claim({ sliceUid, epoch: 1, above: 0, setUids: [set] });
          if (answer.kind !== 'claimed') throw new Error(answer.kind);
          const latest = [row(time, sliceUid), row(time, sliceUid, `NSE:${sliceUid}`)];
          await sink.send(call(sliceUid, answer.token, 1, batch(set, answer.token, 1, { latest })));
        }
        expect(Object.fromEntries(await reader.latest(set))).toEqual({
          'NSE:INFY': 'one',
          'NSE:one': 'one',
          'NSE:two': 'two',
        });
        expect([...(await reader.slices(set))].sort()).toEqual(['one', 'two']);
      });
    });

    describe('streams', () => {
      test('are bounded, the oldest go first', async () => {
        const token = await claimed();
        let trimmed = 0;
        for (let n = 1; n <= 400; n++) {
          const answer = await sink.send(call(slice, token, n, batch(set, token, n, { streamMaxLength: 100 })));
          trimmed += answer.kind === 'written' ? (answer.trimmed ?? 0) : 0;
        }
        const kept = (await streamed()).map((text) => JSON.parse(String(text)).seq);
        expect(kept.length).toBeGreaterThanOrEqual(100);
        expect(kept.length).toBeLessThanOrEqual(200);
        expect(kept.at(-1)).toBe(400);
        expect(kept[0]).toBe(400 - kept.length + 1);
        expect(trimmed).toBe(400 - kept.length);
      });

      test('a reader resumes by id, as many at a time as it wants', async () => {
        const token = await claimed();
        for (let n = 1; n <= 5; n++) await sink.send(call(slice, token, n, batch(set, token, n)));
        const first = await reader.range(slice, set, '0', 3);
        const rest = await reader.range(slice, set, first.at(-1)!.id, 100);
        expect([...first, ...rest].map((entry) => JSON.parse(String(entry.payload)).seq)).toEqual([1, 2, 3, 4, 5]);
        expect(await reader.range(slice, set, rest.at(-1)!.id, 100)).toEqual([]);
        const seqs = (entries: readonly { payload: string | Uint8Array }[]) =>
          entries.map((entry) => JSON.parse(String(entry.payload)).seq);
        const newest = await reader.rangeBack(slice, set, '+', 2);
        const older = await reader.rangeBack(slice, set, newest.at(-1)!.id, 100);
        expect([...seqs(newest), ...seqs(older)]).toEqual([5, 4, 3, 2, 1]);
        expect(await reader.rangeBack(slice, set, older.at(-1)!.id, 100)).toEqual([]);
      });

      test('what nobody has written is empty', async () => {
        expect(await streamed('unknown')).toEqual([]);
        expect(await reader.latest('unknown')).toEqual(new Map());
        expect(await reader.slices('unknown')).toEqual([]);
      });

      test('a claim alone shows no batch and no value', async () => {
        await claim();
        expect(await streamed()).toEqual([]);
        expect(await reader.latest(set)).toEqual(new Map());
        expect(await reader.slices(set)).toEqual([slice]);
      });

      test('a set that joins after the claim is found by readers', async () => {
        const token = await claimed();
        await sink.send(call(slice, token, 1, batch('joined', token, 1)));
        expect(await reader.slices('joined')).toEqual([slice]);
        expect(await streamed('joined')).toHaveLength(1);
      });
    });

    describe('late', () => {
      test('goes on from the last live n, in order, and never to channel, stream or latest values', async () => {
        const old = await claimed(1);
        await sink.send(call(slice, old, 1, batch(set, old, 1)));
        const newest = await claimed(2);
        const heard = await listen();
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
        expect(await sink.sendLate(late(1))).toEqual({ kind: 'already' });
        expect(await sink.sendLate(late(3))).toEqual({ kind: 'gap', last: 1 });
        expect(await sink.sendLate(late(2))).toEqual({ kind: 'written' });
        expect(await sink.sendLate(late(2))).toEqual({ kind: 'already' });
        expect(await sink.sendLate(late(3))).toEqual({ kind: 'written' });
        await sink.send(call(slice, newest, 1, batch(set, newest, 1)));
        expect(await heard.until(1)).toEqual([batch(set, newest, 1).payload]);
        expect(await streamed()).toEqual([batch(set, old, 1).payload, batch(set, newest, 1).payload]);
        expect(await reader.latest(set)).toEqual(new Map());
      });

      test('does not change what a claim tells of before', async () => {
        const old = await claimed(1);
        await sink.send(call(slice, old, 1, batch(set, old, 1)));
        await claimed(2);
        await sink.sendLate(call(slice, old, 2, batch(set, old, 2)));
        expect(await claim(3)).toMatchObject({
          before: { token: old, n: 1 },
          previous: new Map([[set, { ...old, seq: 1 }]]),
        });
      });

      test('counts towards the last n that a refusal names', async () => {
        const old = await claimed(1);
        await sink.send(call(slice, old, 1));
        const newest = await claimed(2);
        await sink.sendLate(call(slice, old, 2));
        expect(await sink.send(call(slice, old, 3))).toEqual({ kind: 'refused', newest, last: 2 });
      });

      test('the newest token, a newer one, or no fence: claim first', async () => {
        const token = { epoch: 2, claim: 1 };
        expect(await sink.sendLate(call(slice, token, 1))).toEqual({ kind: 'claimFirst' });
        await claimed(2);
        expect(await sink.sendLate(call(slice, token, 1))).toEqual({ kind: 'claimFirst' });
        expect(await sink.sendLate(call(slice, { epoch: 3, claim: 1 }, 1))).toEqual({ kind: 'claimFirst' });
      });

      test('of a token that this fence never saw starts at 1', async () => {
        await claimed(5);
        const lost = { epoch: 4, claim: 3 };
        expect(await sink.sendLate(call(slice, lost, 7))).toEqual({ kind: 'gap', last: 0 });
        expect(await sink.sendLate(call(slice, lost, 1, batch(set, lost, 1)))).toEqual({ kind: 'written' });
        expect(await sink.sendLate(call(slice, lost, 1, batch(set, lost, 1)))).toEqual({ kind: 'already' });
      });

      test('the 16 newest tokens are remembered, an older one is refused', async () => {
        const tokens: Token[] = [];
        for (let i = 0; i <= tokensKept; i++) {
          const token = await claimed(i + 1);
          tokens.push(token);
          await sink.send(call(slice, token, 1));
          await sink.send(call(slice, token, 2));
        }
        const newest = tokens.at(-1)!;
        expect(await sink.send(call(slice, tokens[0]!, 3))).toEqual({ kind: 'refused', newest, last: 0 });
        expect(await sink.send(call(slice, tokens[1]!, 3))).toEqual({ kind: 'refused', newest, last: 2 });
        expect(await sink.sendLate(call(slice, tokens[0]!, 3))).toEqual({ kind: 'refused', newest, last: 0 });
        expect(await sink.sendLate(call(slice, tokens[1]!, 3))).toEqual({ kind: 'written' });
      });
    });

    describe('mark', () => {
      const echoing = (token: Token, n: number, echo: string, on = sink) =>
        on.send({ ...call(slice, token, n, batch(set, token, n)), echo });
      const mark = (name: string) => fixture.other.mark(slice, name);

      test('without a fence: claim first; after the end: ended', async () => {
        expect(await mark('a.1')).toEqual({ kind: 'claimFirst' });
        const token = await claimed();
        await sink.end(slice, token);
        expect(await mark('a.2')).toEqual({ kind: 'ended' });
      });

      test("the owner's answers carry the newest mark, a repeated one too", async () => {
        const token = await claimed();
        expect(await sink.send(call(slice, token, 1))).toEqual({ kind: 'written' });
        expect(await mark('a.1')).toEqual({ kind: 'marked' });
        await mark('a.2');
        expect(await sink.send(call(slice, token, 1))).toEqual({ kind: 'already', mark: 'a.2' });
        expect(await sink.send(call(slice, token, 2, batch(set, token, 2)))).toEqual({ kind: 'written', mark: 'a.2' });
      });

      test('an accepted echo is told to whoever marks next, the newest one', async () => {
        const token = await claimed();
        await mark('a.1');
        await mark('a.2');
        await echoing(token, 1, 'a.1');
        expect(await mark('a.3')).toEqual({ kind: 'marked', echo: 'a.1' });
        await echoing(token, 2, 'a.2');
        await sink.send(call(slice, token, 3));
        expect(await mark('a.4')).toEqual({ kind: 'marked', echo: 'a.2' });
      });

      test('an echo of a call that was not accepted does not count', async () => {
        const old = await claimed(1);
        await mark('a.1');
        expect(await echoing(old, 5, 'a.1')).toMatchObject({ kind: 'gap' });
        expect(await echoing({ epoch: 9, claim: 9 }, 1, 'a.1')).toEqual({ kind: 'claimFirst' });
        await sink.send(call(slice, old, 1));
        expect(await echoing(old, 1, 'a.1')).toMatchObject({ kind: 'already' });
        const newest = await claimed(2);
        await mark('a.2');
        expect(await echoing(old, 2, 'a.2')).toEqual({ kind: 'refused', newest, last: 1 });
        expect(await mark('a.3')).toEqual({ kind: 'marked' });
      });

      test('a claim forgets marks and echoes', async () => {
        const old = await claimed(1);
        await mark('a.1');
        await echoing(old, 1, 'a.1');
        const token = await claimed(2);
        expect(await sink.send(call(slice, token, 1))).toEqual({ kind: 'written' });
        expect(await mark('b.1')).toEqual({ kind: 'marked' });
      });

      test('belongs to one slice, and is written nowhere else', async () => {
        const token = await claimed();
        await sink.claim({ sliceUid: 'another', epoch: 1, above: 0, setUids: [set] });
        await mark('a.1');
        expect(await sink.send(call('another', token, 1))).toEqual({ kind: 'written' });
        expect(await streamed()).toEqual([]);
        expect(await claim()).toMatchObject({ kind: 'claimed', previous: new Map() });
      });
    });

    describe('end', () => {
      test('is a tombstone: every token, older, same and newer, and every claim is told that the slice has ended', async () => {
        const old = await claimed(1);
        const token = await claimed(2);
        await sink.send(call(slice, token, 1, batch(set, token, 1)));
        expect(await sink.end(slice, token)).toEqual({ kind: 'written' });
        for (const any of [old, token, { epoch: 9, claim: 9 }]) {
          expect(await sink.send(call(slice, any, 2, batch(set, any, 2)))).toEqual({ kind: 'ended' });
          expect(await sink.sendLate(call(slice, any, 2))).toEqual({ kind: 'ended' });
          expect(await fixture.other.claim({ sliceUid: slice, epoch: any.epoch, above: 0, setUids: [set] })).toEqual({
            kind: 'ended',
          });
        }
        expect(await streamed()).toHaveLength(1);
      });

      test('again does nothing', async () => {
        const token = await claimed();
        await sink.end(slice, token);
        expect(await sink.end(slice, token)).toEqual({ kind: 'ended' });
      });

      test('belongs to the newest token alone', async () => {
        expect(await sink.end(slice, { epoch: 1, claim: 1 })).toEqual({ kind: 'claimFirst' });
        const old = await claimed(1);
        await sink.send(call(slice, old, 1));
        const newest = await claimed(2);
        expect(await sink.end(slice, old)).toEqual({ kind: 'refused', newest, last: 1 });
        expect(await sink.end(slice, { epoch: 3, claim: 1 })).toEqual({ kind: 'claimFirst' });
        expect(await sink.send(call(slice, newest, 1))).toEqual({ kind: 'written' });
      });

      test('takes the latest values away and leaves the stream to readers', async () => {
        const token = await claimed();
        const latest = [{ instrument: 'NSE:INFY', time: 1, json: '{}' }];
        await sink.send(call(slice, token, 1, batch(set, token, 1, { latest })));
        await sink.end(slice, token);
        expect(await reader.latest(set)).toEqual(new Map());
        expect(await streamed()).toHaveLength(1);
      });
    });

    describe('sharded channels', () => {
      const everySlice = everySliceChannel(`ticks:default:${set}`);
      const sharded = (sliceUid: string) => ({ channel: channelOf(everySlice, sliceUid) });

      test('carry the batches of one slice, and the channel of the set none', async () => {
        const token = await claimed();
        const [own, whole] = [await listen(sharded(slice).channel), await listen()];
        const [first, second] = [batch(set, token, 1, sharded(slice)), batch(set, token, 2)];
        await sink.send(call(slice, token, 1, first));
        await sink.send(call(slice, token, 2, second));
        expect(await own.until(1)).toEqual([first.payload]);
        expect(await whole.until(1)).toEqual([second.payload]);
        expect(await streamed()).toHaveLength(2);
        await own.unsubscribe();
        await sink.send(call(slice, token, 3, batch(set, token, 3, sharded(slice))));
        await sink.send(call(slice, token, 4, batch(set, token, 4)));
        await whole.until(2);
        expect(own.messages).toHaveLength(1);
      });

      test('of a set are all subscribed, those of new slices too', async () => {
        const heard: Published[] = [];
        const deliver = (message: Published): void => void heard.push(message);
        const options = { reader, clock: systemClock, log: silentLogger, setUid: set, channel: everySlice, deliver };
        const unsubscribe = await subscribeSet(options);
        const payloads: unknown[] = [];
        for (const sliceUid of ['one', 'two']) {
          const answer = await sink.claim({ sliceUid, epoch: 1, above: 0, setUids: [set] });
          if (answer.kind !== 'claimed') throw new Error(answer.kind);
          // Until it is found in the directory, what it publishes is missed.
          for (let n = 1; !heard.some(({ channel }) => channel === sharded(sliceUid).channel); n++) {
            const sent = batch(set, answer.token, n, sharded(sliceUid));
            await sink.send(call(sliceUid, answer.token, n, sent));
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
        const token = await claimed();
        await sink.send(call(slice, token, 1, batch(set, token, 1)));
        const first = await listen();
        const second = await listen();
        await sink.send(call(slice, token, 2, batch(set, token, 2), batch('elsewhere', token, 1)));
        expect(await first.until(1)).toEqual([batch(set, token, 2).payload]);
        await first.unsubscribe();
        await sink.send(call(slice, token, 3, batch(set, token, 3)));
        expect(await second.until(2)).toEqual([batch(set, token, 2).payload, batch(set, token, 3).payload]);
        expect(first.messages).toHaveLength(1);
      });

      test('may subscribe again after the last subscription of a channel ended', async () => {
        const token = await claimed();
        await (await listen()).unsubscribe();
        const heard = await listen();
        await sink.send(call(slice, token, 1, batch(set, token, 1)));
        expect(await heard.until(1)).toHaveLength(1);
      });
    });

    test('ping resolves', async () => {
      await sink.ping();
    });

    test('whatever fails and is sent again: each call once, in order (law)', async () => {
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: -3, max: 2 }), { minLength: 1, maxLength: 25 }), async (jumps) => {
          const sliceUid = `law-${round++}`;
          const answer = await sink.claim({ sliceUid, epoch: 1, above: 0, setUids: [set] });
          if (answer.kind !== 'claimed') throw new Error(answer.kind);
          let last = 0;
          for (const jump of jumps) {
            const n = Math.max(1, last + jump);
            const { kind } = await sink.send(call(sliceUid, answer.token, n, batch(set, answer.token, n)));
            expect(kind).toBe(n <= last ? 'already' : n === last + 1 ? 'written' : 'gap');
            if (kind === 'written') last = n;
          }
          const sequence = (await streamed(set, sliceUid)).map((text) => JSON.parse(String(text)).seq);
          expect(sequence).toEqual(Array.from({ length: last }, (_, i) => i + 1));
        }),
        { numRuns: 25, seed: 7 },
      );
    });
  });
}
