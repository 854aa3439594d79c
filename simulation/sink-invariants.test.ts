import { beforeEach, expect, test } from 'vitest';
import type { Token } from '../crds/index.ts';
import { SeededRandom } from '../runtime/random.ts';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import { type BatchHeader, deliveryVersion } from '../ticker/delivery.ts';
import { addUp } from '../ticker/shard/totals.ts';
import type { Answer, Call } from '../ticker/sinks/sink.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { SinkInvariants } from './sink-invariants.ts';
import { SinkNetwork } from './sink-network.ts';
import { TickLedger } from './tick-ledger.ts';
import { Trace } from './trace.ts';

const set = 'desk/alpha';
const sliceUid = 'slice-1';
const channel = 'ticks:desk:alpha';

/** Two shards, a sink and a live reader: what the invariants say of what these do. */
class Stage {
  readonly violations: string[] = [];
  readonly clock = new VirtualClock();
  readonly former = new SimulatedProcess('shard-0', this.clock);
  readonly owner = new SimulatedProcess('shard-1', this.clock);
  readonly ledger = new TickLedger(() => this.clock.monotonic(), this.#violated);
  readonly invariants = new SinkInvariants(this.ledger, new Trace(this.clock), () => false, this.#violated);
  readonly network = new SinkNetwork({
    clock: this.clock,
    random: new SeededRandom(1),
    observer: this.invariants,
    follow: (reader) => {
      void reader.subscribe(channel, ({ payload }) => this.invariants.published(String(payload)));
    },
  });

  get #violated(): (what: string) => void {
    return (what) => this.violations.push(what);
  }

  async claim(process: SimulatedProcess, epoch: number, above = 0): Promise<void> {
    const claimed = this.network.connect(process).claim({ sliceUid, epoch, above, setUids: [set] });
    await this.clock.advance(10);
    expect(await claimed).toMatchObject({ kind: 'claimed', token: { epoch, claim: above + 1 } });
  }

  /** The broker sends a tick to a process, which sends it to the sink. */
  async send(
    process: SimulatedProcess,
    token: Token,
    n: number,
    tick: number,
    prev?: BatchHeader['prev'],
  ): Promise<Answer> {
    this.ledger.emitted(tick, process, 1);
    const sent = this.network.connect(process).send(callOf(token, n, tick, prev));
    await this.clock.advance(10);
    return sent;
  }

  /** Of a process that counts nothing as missing. */
  settle(process: SimulatedProcess): void {
    this.ledger.settle(process, { shard: process.name, totals: addUp([]) });
  }
}

function callOf(token: Token, n: number, tick: number, prev?: BatchHeader['prev']): Call {
  const header: BatchHeader = {
    v: deliveryVersion,
    set,
    slice: 'desk/acct-0-c0',
    sliceUid,
    shard: 'any',
    ...token,
    seq: n,
    count: 1,
    time: n,
    ...(prev === undefined ? {} : { prev }),
  };
  const payload = JSON.stringify({ ...header, columns: { volume: [tick] } });
  return { sliceUid, token, n, batches: [{ header, setUid: set, channel, payload }] };
}

const first = { epoch: 1, claim: 1 };
const second = { epoch: 2, claim: 1 };

let stage: Stage;

beforeEach(async () => {
  stage = new Stage();
  const { former } = stage;
  await stage.claim(former, 1);
  expect(await stage.send(former, first, 1, 101, null)).toMatchObject({ kind: 'written' });
});

test('a sink that fell back to before a claim takes a former owner, whom live readers drop: those ticks are no loss', async () => {
  const { former, owner, clock } = stage;
  const failOver = stage.network.replicate();
  await stage.claim(owner, 2);
  expect(await stage.send(owner, second, 1, 201, { ...first, seq: 1 })).toMatchObject({ kind: 'written' });
  failOver();
  expect(await stage.send(former, first, 2, 102)).toMatchObject({ kind: 'written' });
  await clock.advance(20_000);
  stage.settle(former);
  stage.ledger.settled();
  stage.settle(former);
  stage.settle(owner);
  expect(stage.violations).toEqual([]);
});

test('what a former owner sends once the owner has claimed anew is missing unless it counts it', async () => {
  const { former, owner, clock } = stage;
  const failOver = stage.network.replicate();
  await stage.claim(owner, 2);
  failOver();
  await stage.claim(owner, 2);
  expect(await stage.send(former, first, 2, 102)).toMatchObject({ kind: 'refused' });
  // As if the refusal had not kept the batch from the channel.
  stage.invariants.published(String(callOf(second, 1, 201).batches[0]!.payload));
  stage.invariants.published(String(callOf(first, 2, 102).batches[0]!.payload));
  await clock.advance(20_000);
  stage.settle(former);
  expect(stage.violations).toEqual([expect.stringContaining('shard-0: 1 ticks arrived nowhere (the first is 102)')]);
});

test('an older token on the channel of a sink that lost nothing is seen, and its ticks are missing', async () => {
  const { former, owner, clock } = stage;
  await stage.claim(owner, 2);
  expect(await stage.send(owner, second, 1, 201, { ...first, seq: 1 })).toMatchObject({ kind: 'written' });
  stage.ledger.emitted(102, former, 1);
  stage.invariants.published(String(callOf(first, 2, 102).batches[0]!.payload));
  await clock.advance(20_000);
  stage.settle(former);
  expect(stage.violations).toEqual([
    expect.stringContaining('a olderToken batch on the channel'),
    expect.stringContaining('shard-0: 1 ticks arrived nowhere'),
  ]);
});

test.each([
  [2, []],
  [3, [expect.stringContaining('3 batches are missing')]],
])('of the batches of a token that readers drop themselves the next owner may name the last: %i', async (seq, seen) => {
  const { former, owner, invariants } = stage;
  await stage.claim(owner, 2);
  const { header } = callOf(second, 0, 0).batches[0]!;
  invariants.published(JSON.stringify({ ...header, count: 0, columns: {} }));
  stage.network.wipe();
  // The former owner claims at a sink that knows of no newer one: readers do.
  const again = { epoch: 1, claim: 2 };
  await stage.claim(former, 1, 1);
  expect(await stage.send(former, again, 1, 102, { ...first, seq: 1 })).toMatchObject({ kind: 'written' });
  expect(await stage.send(former, again, 2, 103)).toMatchObject({ kind: 'written' });
  const third = { epoch: 3, claim: 1 };
  await stage.claim(owner, 3);
  await stage.send(owner, third, 1, 301, { ...again, seq });
  expect(stage.violations).toEqual(seen);
});
