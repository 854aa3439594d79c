import type { SliceSet } from '../../../crds/index.ts';
import type { Gap } from '../../delivery.ts';
import { formatToken } from '../../sinks/token.ts';
import type { HeldBatch } from '../backlog.ts';
import { mergeGaps } from '../gaps.ts';
import type { LaneState, SentMark } from './lane-state.ts';
import type { SpoolSegment } from './place.ts';
import { decodePayload, type SpoolRecord } from './records.ts';
import { readSegment } from './segment-format.ts';
import type { Restored, RestoredLane } from './work.ts';

/** One file of a slice's spool, as it was found. */
export interface FoundSegment {
  readonly segment: SpoolSegment;
  readonly bytes: Uint8Array;
}

interface Found {
  readonly batches: Map<number, HeldBatch>;
  readonly states: Map<number, LaneState>;
  readonly marks: Map<string, SentMark[]>;
  readonly gaps: { readonly id: number; readonly gap: Gap }[];
  readonly sets: Map<string, SliceSet>;
  /** Ids of batches after which something was harmed. */
  readonly damage: number[];
  lastId: number;
}

/** What is in a slice's segments, given oldest first. Pure. What was harmed in the middle is told as a gap without a count. */
export function recover(segments: readonly FoundSegment[]): Restored {
  const found: Found = {
    batches: new Map(),
    states: new Map(),
    marks: new Map(),
    gaps: [],
    sets: new Map(),
    damage: [],
    lastId: 0,
  };
  for (const { segment, bytes } of segments) {
    const { records, damaged } = readSegment(bytes);
    for (let i = 0; i <= records.length; i++) {
      if (damaged.includes(i)) found.damage.push(found.lastId);
      const record = records[i];
      if (record === undefined) continue;
      const decoded = decode(record.payload);
      if (decoded === undefined) found.damage.push(found.lastId);
      else take(found, decoded, { segment, offset: record.offset, length: record.length });
    }
  }
  for (const { id, gap } of found.gaps) {
    const held = found.batches.get(id);
    if (held !== undefined) held.gap = mergeGaps(gap, held.gap);
  }
  const held = [...found.batches.values()].sort((a, b) => a.id - b.id);
  for (const after of found.damage) tellDamage(held, after);
  const ids = [
    held.at(-1)?.id ?? 0,
    ...[...found.states.values()].map(({ from, accepted }) => Math.max(from, accepted)),
    ...[...found.marks.values()].map((marks) => marks.reduce((most, { through }) => Math.max(most, through), 0)),
  ];
  return { lanes: lanesOf(held, found), nextId: ids.reduce((most, id) => Math.max(most, id), 0) + 1 };
}

function decode(payload: Uint8Array): SpoolRecord | undefined {
  try {
    return decodePayload(payload);
  } catch {
    return undefined;
  }
}

function take(found: Found, record: SpoolRecord, place: NonNullable<HeldBatch['place']>): void {
  switch (record.kind) {
    case 'batch': {
      const { id, set, bytes, gap, mayRepeat = false } = record.header;
      found.batches.set(id, {
        id,
        batch: { ...record.batch, body: '', latest: [] },
        set: intern(found.sets, set),
        bytes,
        gap,
        mayRepeat,
        place,
        evicted: true,
      });
      found.lastId = id;
      return;
    }
    case 'lane':
      found.states.set(record.state.from, record.state);
      return;
    case 'sent': {
      const key = formatToken(record.mark.token);
      const marks = found.marks.get(key) ?? [];
      const { run, n } = record.mark;
      const again = (marks.at(-1)?.run ?? run) < run;
      const valid = again ? marks.filter((mark) => mark.n < n) : marks;
      valid.push(record.mark);
      found.marks.set(key, valid);
      return;
    }
    case 'gap':
      found.gaps.push(record);
  }
}

/** Thousands of batches share one set. */
function intern(sets: Map<string, SliceSet>, set: SliceSet): SliceSet {
  const text = JSON.stringify(set);
  const known = sets.get(text);
  if (known !== undefined) return known;
  sets.set(text, set);
  return set;
}

function tellDamage(held: readonly HeldBatch[], after: number): void {
  const told = new Set<string>();
  const from = held.findLast(({ id }) => id <= after)?.batch.lastReceived ?? 0;
  for (const each of held) {
    if (each.id <= after || told.has(each.set.uid)) continue;
    told.add(each.set.uid);
    each.gap = mergeGaps({ from, to: each.batch.firstReceived, why: 'spool' }, each.gap);
  }
}

function lanesOf(held: readonly HeldBatch[], found: Found): RestoredLane[] {
  const states = [...found.states.values()].sort((a, b) => a.from - b.from);
  if (states.length === 0) states.push({ from: held[0]?.id ?? 1, late: false, accepted: 0, seqs: {} });
  const marks = [...found.marks.values()].flat();
  return states
    .map((state, i) => {
      const first = i === 0 ? 0 : state.from;
      const next = states[i + 1]?.from ?? Number.POSITIVE_INFINITY;
      const own = held.filter(({ id }) => id >= first && id < next && id > state.accepted);
      return { ...state, held: own, marks };
    })
    .filter((lane) => lane.held.length > 0);
}

/** Ticks of lanes that wait. */
export function ticksOf(lanes: readonly RestoredLane[]): number {
  return lanes.reduce((sum, { held }) => sum + held.reduce((ticks, { batch }) => ticks + batch.count, 0), 0);
}
