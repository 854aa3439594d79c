import { expect, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import { CodedError } from '../../../runtime/errors.ts';
import { silentLogger } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { call } from '../batches.testing.ts';
import type { Answer, ClaimAnswer, MarkAnswer } from '../sink.ts';
import { readAnswer, readClaimAnswer, readMarkAnswer } from './answers.ts';
import { RedisSink } from './redis-sink.ts';
import { answerParts, brokenReply, pick, reply } from './reply-fuzz.testing.ts';
import { type ScriptedSocket, scriptedConnector } from './scripted-redis.testing.ts';
import { readRedirect, readSlots } from './slots.ts';

type AnyAnswer = Answer | ClaimAnswer | MarkAnswer;
const token = { epoch: 3, claim: 2 };

/** Fails where an answer is not of the shapes that a sink may give, down to whole numbers. */
function expectValid(answer: AnyAnswer): void {
  const whole = (...values: (number | undefined)[]): void => {
    for (const value of values) if (!Number.isSafeInteger(value) || value! < 0) throw new Error(`no number: ${value}`);
  };
  switch (answer.kind) {
    case 'claimed':
      whole(answer.token.epoch, answer.token.claim);
      if (answer.before !== undefined) whole(answer.before.token.epoch, answer.before.token.claim, answer.before.n);
      for (const { epoch, claim, seq } of answer.previous.values()) whole(epoch, claim, seq);
      return;
    case 'refused':
      whole(answer.newest.epoch, answer.newest.claim, ...('last' in answer ? [answer.last] : []));
      return;
    case 'gap':
      whole(answer.last);
      return;
    case 'written':
    case 'already':
    case 'claimFirst':
    case 'ended':
    case 'marked':
      return;
    default:
      throw new Error(`no answer: ${JSON.stringify(answer)}`);
  }
}

function expectCoded(error: unknown): void {
  if (!(error instanceof CodedError) || error.persistence !== 'retryable')
    throw new Error('not coded', { cause: error });
  if (error.message.length > 4000) throw new Error('a message without a bound');
}

test('420,000 decoded replies: a valid answer or a coded error', () => {
  const random = new SeededRandom(5);
  const odd: unknown[] = [null, undefined, 1, 1.5, Number.NaN, true, {}, [], [[]], Buffer.from('x'), new Error('x')];
  let answered = 0;
  for (let i = 0; i < 140_000; i++) {
    const parts: unknown[] = answerParts(random);
    if (random.integer(4) === 0) parts[random.integer(parts.length)] = pick(random, odd);
    const value = random.integer(20) === 0 ? pick(random, odd) : parts;
    for (const read of [readAnswer, readMarkAnswer, (each: unknown) => readClaimAnswer(each, 3)]) {
      try {
        expectValid(read(value));
        answered++;
      } catch (error) {
        expectCoded(error);
      }
    }
  }
  expect(answered).toBeGreaterThan(10_000);
});

const callsInRound = 96;

/** One round: a sink, as many calls, and a Redis whose every reply to them is garbage, cut anywhere. */
async function flood(random: SeededRandom, cluster: boolean): Promise<PromiseSettledResult<AnyAnswer>[]> {
  const asked = new Map<ScriptedSocket, number>();
  const answer = (words: readonly string[], socket: ScriptedSocket): string | undefined => {
    const command = words[0]!.toLowerCase();
    if (command === 'info') return '$11\r\nloading:0\r\n\r\n';
    if (command === 'cluster') return slots(random);
    if (command === 'ping') return '+PONG\r\n';
    if (command !== 'evalsha' && command !== 'eval') return '+OK\r\n';
    if (asked.size > 0 && !asked.has(socket)) return reply(random);
    asked.set(socket, (asked.get(socket) ?? 0) + 1);
    return undefined;
  };
  const sink = new RedisSink({
    url: cluster ? 'redis+cluster://fuzz:1' : 'redis://fuzz:1',
    connector: scriptedConnector(answer),
    clock: systemClock,
    random,
    log: silentLogger,
    commandTimeout: 1000,
    connectTimeout: 300,
  });
  if (!cluster) await sink.ping().catch(expectCoded);
  const answers: Promise<AnyAnswer>[] = Array.from({ length: callsInRound }, (_, i) => {
    const kind = random.integer(3);
    if (kind === 0) return sink.mark('slice', 'mark');
    return kind === 1 ? sink.send(call('slice', token, i + 1)) : sink.sendLate(call('slice', token, i + 1));
  });
  const outcomes = Promise.allSettled(answers);
  for (let turns = cluster ? 20 : 3; turns > 0; turns--) await new Promise<void>((resolve) => setImmediate(resolve));
  for (const [socket, count] of asked) {
    // What is no RESP ends a connection, so that most of it stands near the end.
    const replies = Array.from({ length: count }, (_, i) =>
      random.integer(i < count - 8 ? 400 : 4) === 0 ? brokenReply(random) : Buffer.from(reply(random)),
    );
    for (const piece of cut(Buffer.concat(replies), random)) socket.say(piece);
    socket.destroy();
  }
  const settled = await outcomes;
  await sink.close();
  return settled;
}

function* cut(bytes: Buffer, random: SeededRandom): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + random.integer(random.integer(3) === 0 ? 3 : 4000);
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

test('100,000 mutated replies as bytes: every call ends, with a valid answer or a coded error', {
  timeout: 120_000,
}, async () => {
  const random = new SeededRandom(8);
  const wanted = 100_000;
  let [answered, failed, rounds] = [0, 0, 0];
  const before = process.memoryUsage().rss;
  for (; rounds * callsInRound < wanted; rounds++) {
    for (const outcome of await flood(random, rounds % 16 === 15)) {
      if (outcome.status === 'fulfilled') {
        expectValid(outcome.value);
        answered++;
      } else {
        expectCoded(outcome.reason);
        failed++;
      }
    }
  }
  expect(answered).toBeGreaterThan(wanted / 20);
  expect(answered + failed).toBe(rounds * callsInRound);
  expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024);
});

function slots(random: SeededRandom): string {
  if (random.integer(2) === 0) return reply(random);
  return '*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$4\r\nfuzz\r\n:1\r\n';
}

test('what says where slots are is read, or refused', () => {
  const random = new SeededRandom(3);
  const asked = { host: 'h', port: 1 };
  const scalar = (): unknown =>
    pick<unknown>(random, [0, 1, -1, 16383, 16384, 1.5, Number.NaN, 'x', '', null, '?', []]);
  for (let i = 0; i < 10_000; i++) {
    const range = [scalar(), scalar(), random.integer(5) === 0 ? scalar() : [scalar(), scalar()]];
    const value = random.integer(10) === 0 ? scalar() : [[0, 5, ['n', 7]], random.integer(5) === 0 ? scalar() : range];
    try {
      const table = readSlots(value, asked);
      for (const { host, port } of table.masters) {
        if (host === '' || !(port > 0 && port < 65_536)) throw new Error(`no server: ${host}:${port}`);
      }
    } catch (error) {
      if (!String(error).includes('CLUSTER SLOTS answered')) throw error;
    }
  }
  const redirect = (text: string) => readRedirect(new Error(text), asked);
  expect(redirect('MOVED 3999 127.0.0.1:6381')).toEqual({
    kind: 'moved',
    slot: 3999,
    node: { host: '127.0.0.1', port: 6381 },
  });
  expect(redirect('ASK 1 ::1:7')).toMatchObject({ kind: 'ask', node: { host: '::1', port: 7 } });
  expect(redirect('MOVED 1 :7')).toMatchObject({ node: { host: 'h', port: 7 } });
  for (const text of ['MOVED', 'MOVED 16384 h:1', 'MOVED 1 h:0', 'MOVED 1 h:65536', 'ASK x h:1', 'MOVED 1 h']) {
    expect(redirect(text)).toBeUndefined();
  }
});
