import type { ShardIdentity } from '../../crds/index.ts';
import { sameShard, shardKey } from '../planner/assign-shards.ts';

/** How a slice changes its owner. */
export type HandoverKind =
  /** The successor is warm before it is named. */
  | 'planned'
  /** The account has no connection to spare: the owner closes before the successor connects. */
  | 'closeFirst'
  /** The owner is dead, or hasn't claimed in time. */
  | 'takeover';

/** A shard that a slice was to go to, and that did not get on. */
export interface Failure {
  readonly shard: ShardIdentity;
  /** Monotonic milliseconds. */
  readonly at: number;
  /** What it said itself, e.g. what the broker answered. */
  readonly why: string;
}

/**
 * What one replica has seen of a slice. Nothing of it is needed to be right: whoever starts without it waits anew and
 * tries again who has failed.
 */
export interface HandoverMemory {
  /** The situation that is waited in; another one restarts the wait. */
  readonly step: string;
  /** When it was first seen, monotonic milliseconds. */
  readonly since: number;
  /** Deadlines missed since a handover of the slice came right, or since failures were forgotten; each doubles the next. */
  readonly missed: number;
  /** The newest last. */
  readonly failures: readonly Failure[];
  /** The handover that is under way: its first step was seen then. */
  readonly move: { readonly kind: HandoverKind; readonly since: number } | undefined;
}

/** Milliseconds for one step at first; doubled after each one missed. */
export const firstDeadline = 10_000;
const longestDeadline = 320_000;
/** Failures remembered for each slice; the oldest goes. */
const mostFailures = 8;
/** Milliseconds after which a shard that failed is like any other. */
export const failureMemory = 600_000;

export const nothingSeen: HandoverMemory = { step: '', since: 0, missed: 0, failures: [], move: undefined };

/** How long a step may take after so many that were missed. */
export function deadlineAfter(missed: number): number {
  return Math.min(longestDeadline, firstDeadline * 2 ** Math.min(missed, 10));
}

/** The memory in a step: the same one goes on, another begins now. */
export function enter(memory: HandoverMemory, step: string, now: number): HandoverMemory {
  const failures = memory.failures.filter(({ at }) => now - at < failureMemory);
  const known = failures.length === memory.failures.length ? memory.failures : failures;
  return memory.step === step ? { ...memory, failures: known } : { ...memory, failures: known, step, since: now };
}

/** A step was not done in time: who failed is tried last, and the next step may take twice as long. */
export function fail(memory: HandoverMemory, failure: Failure): HandoverMemory {
  const others = memory.failures.filter(({ shard }) => !sameShard(shard, failure.shard));
  return { ...memory, missed: memory.missed + 1, failures: [...others, failure].slice(-mostFailures) };
}

export function failureOf(memory: HandoverMemory, shard: ShardIdentity): Failure | undefined {
  return memory.failures.find((failure) => sameShard(failure.shard, shard));
}

/** Those that have not failed in the given order, then the others, who failed last at the end. */
export function triedLast(candidates: readonly ShardIdentity[], memory: HandoverMemory): ShardIdentity[] {
  if (memory.failures.length === 0) return [...candidates];
  const failedAt = new Map(memory.failures.map(({ shard, at }) => [shardKey(shard), at]));
  const at = (shard: ShardIdentity): number => failedAt.get(shardKey(shard)) ?? Number.NEGATIVE_INFINITY;
  return [...candidates].sort((a, b) => {
    const left = at(a);
    const right = at(b);
    return left === right ? 0 : left - right;
  });
}
