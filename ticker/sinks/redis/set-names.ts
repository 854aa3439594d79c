import type { Redis } from 'ioredis';
import type { Clock } from '../../../runtime/clock.ts';
import { setChannel } from '../channels.ts';
import type { SealedBatch } from '../sink.ts';
import { directoryKey, setNamesKey } from './keys.ts';

/** Runs a command where its key is. */
export type RunCommand = <T>(key: string, act: (client: Redis) => Promise<T>) => Promise<T>;

/** A set, or the bars of one, as whoever serves it says. */
export interface NamedSet {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly kind?: 'bars';
  /** Full channel name, or what stands for those of its slices; absent where it does not publish. */
  readonly channel?: string;
  /** When that was last said, milliseconds since the epoch. */
  readonly at: number;
}

/** How often what is said of a set is said again (milliseconds). */
const renewInterval = 20_000;
/** A slice that has sent nothing of a set for this long, not even a heartbeat, serves it no more. */
const leftAfter = 30_000;
/** What nobody said for this long is not listed any more, and cleared out. */
export const forgottenAfter = 24 * 3600 * 1000;
const clearInterval = 3600 * 1000;

/** What was said of a set, and of which batch: nearly every one is of the same name as the one before. */
interface Said {
  readonly set: string;
  readonly kind: SealedBatch['header']['kind'];
  readonly channel: string | undefined;
  readonly writtenAt: number;
  seenAt: number;
}

interface Slice {
  readonly said: Map<string, Said>;
  /** When its last call was accepted. */
  at: number;
}

/**
 * Names of the sets that are delivered, in one hash, so that a gateway needs nothing but Redis. Whoever serves a set says
 * its name every 20 s; who serves it last takes it out.
 */
export class SetNames {
  readonly #run: RunCommand;
  readonly #clock: Clock;
  /** By slice; bounded by what this process serves. */
  readonly #slices = new Map<string, Slice>();
  #clearedAt: number;

  constructor(run: RunCommand, clock: Clock) {
    this.#run = run;
    this.#clock = clock;
    this.#clearedAt = clock.monotonic();
  }

  /** After an accepted call: says what is due. Returns the sets that the slice serves no more. */
  async refresh(sliceUid: string, batches: readonly SealedBatch[]): Promise<readonly string[]> {
    const now = this.#clock.monotonic();
    const slice = this.#slice(sliceUid, now);
    for (const batch of batches) {
      const { setUid, header, channel } = batch;
      const { set, kind } = header;
      const known = slice.said.get(setUid);
      const same = known !== undefined && known.set === set && known.kind === kind && known.channel === channel;
      if (same && now - known.writtenAt < renewInterval) {
        known.seenAt = now;
        continue;
      }
      const value = describe(batch, Math.round(this.#clock.now()));
      await this.#run(setNamesKey, (client) => client.hset(setNamesKey, setUid, value));
      slice.said.set(setUid, { set, kind, channel, writtenAt: now, seenAt: now });
    }
    if (now - this.#clearedAt > clearInterval) await this.#clear(now);
    return [...slice.said].filter(([, { seenAt }]) => now - seenAt > leftAfter).map(([setUid]) => setUid);
  }

  /** The slice, which has been taken out of the directory, serves these sets no more. */
  async leave(sliceUid: string, setUids: readonly string[]): Promise<void> {
    for (const setUid of setUids) {
      this.#slices.get(sliceUid)?.said.delete(setUid);
      const key = directoryKey(setUid);
      const left = await this.#run(key, (client) => client.scard(key));
      if (left === 0) await this.#run(setNamesKey, (client) => client.hdel(setNamesKey, setUid));
    }
  }

  forget(sliceUid: string): void {
    this.#slices.delete(sliceUid);
  }

  #slice(sliceUid: string, now: number): Slice {
    const slice = this.#slices.get(sliceUid) ?? { said: new Map<string, Said>(), at: now };
    // While nothing was accepted, nothing could be sent of any set: their silence says nothing.
    if (now - slice.at > renewInterval / 4) for (const said of slice.said.values()) said.seenAt = now;
    slice.at = now;
    this.#slices.set(sliceUid, slice);
    return slice;
  }

  async #clear(now: number): Promise<void> {
    this.#clearedAt = now;
    const { old } = await readAll(this.#run, this.#clock.now());
    if (old.length > 0) await this.#run(setNamesKey, (client) => client.hdel(setNamesKey, ...old));
  }
}

/** The sets that are delivered, and their bars. @param now milliseconds since the epoch */
export async function readSetNames(run: RunCommand, now: number): Promise<readonly NamedSet[]> {
  return (await readAll(run, now)).sets;
}

async function readAll(run: RunCommand, now: number): Promise<{ sets: NamedSet[]; old: string[] }> {
  const all = await run(setNamesKey, (client) => client.hgetall(setNamesKey));
  const sets: NamedSet[] = [];
  const old: string[] = [];
  for (const [uid, text] of Object.entries(all)) {
    const set = parse(uid, text);
    if (set === undefined || now - set.at > forgottenAfter) old.push(uid);
    else sets.push(set);
  }
  return { sets, old };
}

function describe({ header, channel }: SealedBatch, at: number): string {
  const slash = header.set.indexOf('/');
  return JSON.stringify({
    namespace: header.set.slice(0, slash),
    name: header.set.slice(slash + 1),
    ...(header.kind === undefined ? {} : { kind: header.kind }),
    ...(channel === undefined ? {} : { channel: setChannel(channel) }),
    at,
  });
}

function parse(uid: string, text: string): NamedSet | undefined {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { namespace, name, kind, channel, at } = value;
  if (typeof namespace !== 'string' || typeof name !== 'string' || typeof at !== 'number') return undefined;
  return {
    uid,
    namespace,
    name,
    at,
    ...(kind === 'bars' ? { kind } : {}),
    ...(typeof channel === 'string' ? { channel } : {}),
  };
}
