import type { ShardIdentity, SubscriptionSlice, Token } from '../../crds/index.ts';
import { compareTokens } from '../sinks/token.ts';

/** What a slice's object makes of this shard. */
export type Role = 'owner' | 'next' | 'other';

/** Remembers whom the object of a slice has named, as far as this shard has seen. Pure. */
export class SliceRole {
  /** Newest epoch in which it saw itself named. */
  epoch = 0;
  /** As the object says it now. */
  role: Role = 'other';
  /** The newest token that this shard, or the process before it, is known by its status to have had. */
  remembered: Token | undefined;
  /** The object that was seen last names it in an epoch that it had not seen before. */
  namedAnew = false;
  /** The object's status has an entry of this pod. */
  reported = false;
  readonly #identity: ShardIdentity;
  #generation = 0;

  constructor(identity: ShardIdentity) {
    this.#identity = identity;
  }

  /**
   * Takes over the object. False where a newer one was seen: the shard has two watches, and they are not in step.
   *
   * @param claimed the newest epoch that this shard has asked the sink for
   */
  see({ metadata, spec, status }: SubscriptionSlice, claimed: number): boolean {
    const { generation = 0 } = metadata;
    if (generation < this.#generation) return false;
    this.#generation = generation;
    const entry = status?.shards?.find((each) => this.#is(each));
    this.reported = entry !== undefined;
    const said = entry?.token;
    if (said !== undefined && (this.remembered === undefined || compareTokens(said, this.remembered) > 0)) {
      this.remembered = said;
    }
    this.role = this.#is(spec.owner) ? 'owner' : this.#is(spec.next) ? 'next' : 'other';
    this.namedAnew = this.role === 'owner' && spec.epoch > this.epoch;
    if (this.role === 'owner') this.epoch = Math.max(this.epoch, spec.epoch);
    // Another was named before this one could connect: nothing was ever published that it would have to go on with.
    else if (spec.epoch > this.epoch && this.epoch > claimed) this.epoch = claimed;
    return true;
  }

  /** The highest claim of its epoch that is known. */
  get above(): number {
    return this.remembered?.epoch === this.epoch ? this.remembered.claim : 0;
  }

  #is(identity: ShardIdentity | undefined): boolean {
    return identity?.shard === this.#identity.shard && identity.uid === this.#identity.uid;
  }
}
