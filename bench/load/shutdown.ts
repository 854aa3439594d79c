import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SeededRandom } from '../../runtime/random.ts';
import { decodePayload } from '../../ticker/shard/spool/records.ts';
import { readSegment } from '../../ticker/shard/spool/segment-format.ts';
import type { Figure } from '../goals.ts';
import { compareTicks, expectedTicks, sum } from './accounting.ts';
import { readColumn } from './batch-reading.ts';
import { IntervalSet } from './interval-set.ts';
import type { FeedPlan, ReaderReport, ShardReport } from './messages.ts';
import { instrumentOf } from './option-feed.ts';
import type { Size } from './outcome.ts';
import { Rig, type RigOptions } from './rig.ts';

interface Ends {
  /** Drains by SIGTERM, one after the other. */
  readonly drains: number;
  /** Of these, each so many-th while Redis is away. */
  readonly awayEvery: number;
  readonly kills: number;
  readonly rate: number;
}

/** How often it drains, where that is asked for. */
const asked = Number(process.env['COUNT'] ?? 0);

const ends: Record<Size, Ends> = {
  full: { drains: 50, awayEvery: 5, kills: 5, rate: 20_000 },
  quick: { drains: 2, awayEvery: 2, kills: 1, rate: 20_000 },
  short: { drains: 2, awayEvery: 2, kills: 1, rate: 8_000 },
};

const plan: FeedPlan = { instruments: 3_000, mode: 'full' };
/**
 * Soon past the watermark, so that a process that is killed has left something on disk; a drain that does not wait for
 * Redis, and time to seal on a disk that others use too.
 */
const limits = { spillBytes: 1024 * 1024, drainTimeout: 1_000, sealTimeout: 60_000 };
/** Milliseconds of streaming before a shard is ended. */
const streamed = { least: 100, most: 500 };

/** What came of ending shards in mid-flow, in ticks. */
export interface Shutdowns {
  readonly drains: number;
  readonly whileAway: number;
  readonly received: number;
  /** Sealed in the spool at an end, and left to the next start. */
  readonly sealed: number;
  /** Dropped by a shard past its bounds, and what of that the reader was told. */
  readonly dropped: number;
  readonly told: number;
  /** Neither accepted nor sealed when a shard ended. */
  readonly unsealed: number;
  /** Times that a feed was left unread for the spool to catch up, and milliseconds. */
  readonly pauses: number;
  readonly pausedMillis: number;
  /** Received by a shard and not in the reader's hands; in its hands and not received by a shard; and read twice. */
  readonly lost: number;
  readonly unexpected: number;
  readonly duplicated: number;
}

/** SIGTERM under full load, again and again, some of it while Redis is away. */
export async function runDrains(size: Size, options: Partial<RigOptions> = {}): Promise<Shutdowns> {
  const { awayEvery, rate } = ends[size];
  const drains = asked > 0 ? asked : ends[size].drains;
  const random = new SeededRandom(3);
  const rig = await Rig.start({ plan, limits, streamLength: 1_500, ...options });
  try {
    const shards: ShardReport[] = [];
    let whileAway = 0;
    rig.flow(rate);
    for (let round = 1; round <= drains; round++) {
      await streaming(rig);
      const away = round % awayEvery === 0;
      if (away) await rig.saveRedis();
      await delay(streamed.least + random.next() * (streamed.most - streamed.least));
      rig.shard.signal('SIGTERM');
      shards.push(await rig.take());
      await rig.shard.ended;
      if (!away) continue;
      whileAway++;
      await rig.redis.restart();
    }
    shards.push(await deliverTheRest(rig));
    const streams = await rig.read(rig.streams);
    const { missing, unexpected } = compareTicks(expectedTicks(await rig.ranges(), shards), streams);
    return {
      drains,
      whileAway,
      received: sum(shards.flatMap(({ received }) => Object.values(received))),
      sealed: sum(shards.map(({ totals }) => totals.spooled)),
      dropped: sum(shards.map(({ totals }) => totals.lost)),
      told: streams.told['spool'] ?? 0,
      unsealed: sum(shards.map(({ totals }) => totals.held - totals.spooled)),
      pauses: sum(shards.map(({ totals }) => totals.feedPauses)),
      pausedMillis: sum(shards.map(({ totals }) => totals.feedPausedMillis)),
      lost: missing,
      unexpected,
      duplicated: streams.duplicated + streams.repeated,
    };
  } finally {
    await rig.stop();
  }
}

/** What came of killing shards in mid-flow while Redis is away, in ticks. */
export interface Kills {
  readonly kills: number;
  /** Whole on disk when the process was gone, by its files. */
  readonly spooled: number;
  /** Of these, not in the reader's hands after the next start. */
  readonly lost: number;
  /** Sent to a process that was killed and not in the reader's hands: in its memory, or on their way to it. */
  readonly inMemory: number;
  /** Gaps of a new owner that were told. */
  readonly told: number;
  readonly duplicated: number;
}

/** SIGKILL in mid-flow while Redis is away: what is on disk arrives after the next start. */
export async function runKills(size: Size, options: Partial<RigOptions> = {}): Promise<Kills> {
  const { kills, rate } = ends[size];
  const rig = await Rig.start({ plan, limits, streamLength: 1_500, ...options });
  try {
    const onDisk = new Map<string, IntervalSet>();
    rig.flow(rate);
    for (let round = 0; round < kills; round++) {
      await streaming(rig);
      await rig.saveRedis();
      await rig.until(({ totals }) => totals.spooled > rate / 4);
      rig.shard.signal('SIGKILL');
      await rig.shard.ended;
      await readSpool(rig, onDisk);
      await rig.redis.restart();
    }
    // What comes next is what the gap is told with.
    await streaming(rig);
    rig.shard.signal('SIGTERM');
    await rig.take();
    await rig.shard.ended;
    await deliverTheRest(rig);
    const streams = await rig.read(rig.streams);
    const ranges = await rig.ranges();
    const spooled = sum([...onDisk.values()].map(({ size: ticks }) => ticks));
    return {
      kills,
      spooled,
      lost: compareTicks(onDisk, streams).missing,
      inMemory: sum(ranges.map(({ from, to }) => to - from)) - distinct(streams),
      told: streams.toldUncounted['newOwner'] ?? 0,
      duplicated: streams.duplicated,
    };
  } finally {
    await rig.stop();
  }
}

/** A fresh shard that streams on every slice, and has had something accepted. */
async function streaming(rig: Rig): Promise<void> {
  await rig.startShard();
  await rig.until(
    ({ received, totals }) => rig.slices.every(({ uid }) => (received[uid] ?? 0) > 0) && totals.published > 0,
  );
}

/** The last shard gets nothing new: it delivers what those before it left. */
async function deliverTheRest(rig: Rig): Promise<ShardReport> {
  await rig.stream(0, 0);
  await rig.startShard();
  await rig.until(({ totals, connections }) => totals.held === 0 && connections === rig.slices.length);
  rig.shard.signal('SIGTERM');
  const report = await rig.take();
  await rig.shard.ended;
  return report;
}

/** The ticks of every whole batch in the files of a spool whose process is gone. */
async function readSpool(rig: Rig, into: Map<string, IntervalSet>): Promise<void> {
  for (const name of (await readdir(rig.spoolDirectory)).filter((each) => each.endsWith('.spool'))) {
    const uid = decodeURIComponent(/^segment-\d+-(.+)\.spool$/.exec(name)![1]!);
    const slice = rig.slices.find((each) => each.uid === uid)!;
    const ticks = into.get(uid) ?? new IntervalSet();
    into.set(uid, ticks);
    for (const { payload } of readSegment(await readFile(join(rig.spoolDirectory, name))).records) {
      const record = decodePayload(payload);
      if (record.kind !== 'batch') continue;
      const body = Buffer.from(record.batch.body);
      const tokens = readColumn(body, 'token', record.header.count);
      const volumes = readColumn(body, 'volume', record.header.count);
      tokens.forEach((token, row) => {
        ticks.add((volumes[row]! - 1) * slice.count + instrumentOf(token) - slice.first);
      });
    }
  }
}

function distinct({ slices }: ReaderReport): number {
  return sum(slices.map(({ ticks }) => new IntervalSet(ticks).size));
}

export function shutdownFigures(drained: Shutdowns, killed: Kills): Figure[] {
  const none = { goal: { kind: 'exactly', value: 0 }, checked: true } as const;
  const drains = `SIGTERM × ${drained.drains}`;
  const kills = `SIGKILL × ${killed.kills}`;
  return [
    {
      name: `${drains}: received`,
      value: drained.received,
      unit: 'ticks',
      detail: `${drained.whileAway} of them with Redis away: ${drained.sealed} ticks sealed, and left to the next start`,
    },
    {
      name: `${drains}: dropped past a bound`,
      value: drained.dropped,
      unit: 'ticks',
      ...none,
      detail: `feeds were left unread ${drained.pauses} times, ${Math.round(drained.pausedMillis)} ms together`,
    },
    { name: `${drains}: dropped, and not told`, value: drained.dropped - drained.told, unit: 'ticks', ...none },
    { name: `${drains}: not sealed`, value: drained.unsealed, unit: 'ticks', ...none },
    { name: `${drains}: lost`, value: drained.lost, unit: 'ticks', ...none },
    { name: `${drains}: read, and not received`, value: drained.unexpected, unit: 'ticks', ...none },
    { name: `${drains}: duplicated`, value: drained.duplicated, unit: 'ticks', ...none },
    { name: `${kills}: on disk when it was gone`, value: killed.spooled, unit: 'ticks' },
    { name: `${kills}: lost of these`, value: killed.lost, unit: 'ticks', ...none },
    { name: `${kills}: duplicated`, value: killed.duplicated, unit: 'ticks', ...none },
    {
      name: `${kills}: in memory or on their way`,
      value: killed.inMemory,
      unit: 'ticks',
      detail: `told to readers as ${killed.told} gaps`,
    },
  ];
}
