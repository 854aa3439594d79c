import type { Redis } from 'ioredis';
import type { Clock } from '../../../runtime/clock.ts';
import { describeError } from '../../../runtime/errors.ts';
import type { Logger } from '../../../runtime/log.ts';
import type { SealedBatch } from '../sink.ts';
import type { RedisOptions } from './connection.ts';
import { directoryKey, fenceKey, setKeys } from './keys.ts';
import type { RedisNodes } from './redis-nodes.ts';
import { SetNames } from './set-names.ts';

/** How often an entry, and the life of the keys of its set, is renewed. */
const renewMillis = 12 * 3600 * 1000;

/** Milliseconds after which what failed is tried again. */
const retryMillis = 1000;

/**
 * The lists of slices that deliver to each set, for readers. An entry is renewed while its set gets batches or
 * heartbeats; what nobody feeds any more expires. Its keys may lie on other servers than the slice: where they cannot be
 * written now, the call does not fail for that, and a later one writes them.
 */
export class Directory {
  readonly #nodes: RedisNodes;
  readonly #purpose: string;
  readonly #clock: Clock;
  readonly #keepMillis: number;
  readonly #log: Logger;
  /** Slice → set → when it was last entered. Bounded by what this process serves: an ended slice is forgotten. */
  readonly #entered = new Map<string, Map<string, number>>();
  readonly #names: SetNames;
  #troubled = false;
  #retryAt = 0;

  /** @param purpose of the connections that it uses */
  constructor(nodes: RedisNodes, purpose: string, keepMillis: number, { clock, log }: RedisOptions) {
    this.#nodes = nodes;
    this.#purpose = purpose;
    this.#names = new SetNames((key, act) => this.#run(key, act), clock);
    this.#clock = clock;
    this.#keepMillis = keepMillis;
    this.#log = log;
  }

  setsOf(sliceUid: string): string[] {
    return [...(this.#entered.get(sliceUid)?.keys() ?? [])];
  }

  forget(sliceUid: string): void {
    this.#entered.delete(sliceUid);
    this.#names.forget(sliceUid);
  }

  /** The slice serves these sets no more: whoever lists sets does not find them through it. */
  leave(sliceUid: string, setUids: readonly string[]): Promise<void> {
    return this.#leniently(() => this.#leave(sliceUid, setUids));
  }

  async #leave(sliceUid: string, setUids: readonly string[]): Promise<void> {
    for (const setUid of setUids) {
      this.#entered.get(sliceUid)?.delete(setUid);
      const key = directoryKey(setUid);
      await this.#run(key, (client) => client.srem(key, sliceUid));
    }
    await this.#names.leave(sliceUid, setUids);
  }

  /** Enters a slice that has just claimed (its fence exists), and clears out slices that are no more. */
  enter(sliceUid: string, setUids: readonly string[]): Promise<void> {
    const sets = new Map<string, number>();
    this.#entered.set(sliceUid, sets);
    const enter = async (setUid: string): Promise<void> => {
      await this.#write(sliceUid, setUid, sets);
      await this.#clear(setUid);
    };
    return this.#leniently(async () => {
      await Promise.all(setUids.map(enter));
    });
  }

  /** Enters and renews the sets of an accepted call where it is time to. */
  async refresh(sliceUid: string, batches: readonly SealedBatch[]): Promise<void> {
    if (batches.length === 0 || (this.#troubled && this.#clock.monotonic() < this.#retryAt)) return;
    await this.#leniently(() => this.#refresh(sliceUid, batches));
  }

  async #refresh(sliceUid: string, batches: readonly SealedBatch[]): Promise<void> {
    const sets = this.#entered.get(sliceUid) ?? new Map<string, number>();
    this.#entered.set(sliceUid, sets);
    const due = this.#clock.monotonic() - renewMillis;
    for (const { setUid } of batches) {
      if ((sets.get(setUid) ?? Number.NEGATIVE_INFINITY) <= due) await this.#write(sliceUid, setUid, sets);
    }
    const left = await this.#names.refresh(sliceUid, batches);
    if (left.length > 0) await this.#leave(sliceUid, left);
  }

  /** Does not reject. Waits for the outcome only while it goes well: a server that hangs holds up no answer. */
  async #leniently(act: () => Promise<void>): Promise<void> {
    this.#retryAt = this.#clock.monotonic() + retryMillis;
    const done = act().then(
      () => {
        this.#troubled = false;
      },
      (error: unknown) => {
        if (!this.#troubled) this.#log.warn({ event: 'redis.directory', error }, describeError(error));
        this.#troubled = true;
      },
    );
    if (!this.#troubled) await done;
  }

  async #write(sliceUid: string, setUid: string, sets: Map<string, number>): Promise<void> {
    const key = directoryKey(setUid);
    const expire = (any: string) => this.#run(any, (client) => client.pexpire(any, this.#keepMillis));
    await Promise.all([
      this.#run(key, (client) => client.sadd(key, sliceUid)),
      expire(key),
      ...setKeys(sliceUid, setUid).map(expire),
    ]);
    sets.set(setUid, this.#clock.monotonic());
  }

  async #clear(setUid: string): Promise<void> {
    const key = directoryKey(setUid);
    const slices = await this.#run(key, (client) => client.smembers(key));
    const fences = slices.map(fenceKey);
    const alive = await Promise.all(fences.map((fence) => this.#run(fence, (client) => client.exists(fence))));
    const gone = slices.filter((_, index) => alive[index] === 0);
    if (gone.length > 0) await this.#run(key, (client) => client.srem(key, ...gone));
  }

  #run<T>(key: string, act: (client: Redis) => Promise<T>): Promise<T> {
    return this.#nodes.run(this.#purpose, key, act);
  }
}
