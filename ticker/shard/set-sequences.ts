import type { SliceSet, Token } from '../../crds/index.ts';
import type { Previous } from '../delivery.ts';
import { nameOf } from './leaving-sets.ts';

/** One set's sequence under one token. */
export interface Sequence {
  seq: number;
  accepted: number;
  /** When anything was last said on its channel, monotonic milliseconds. */
  said: number;
}

/** How far each set has counted under one token. */
export class SetSequences {
  /** By the set's UID. */
  readonly #sequences = new Map<string, Sequence>();
  /** As readers tell sets apart: a set that is created anew goes on with its predecessor's. */
  readonly #byName = new Map<string, Sequence>();
  /** UIDs whose names are known. */
  readonly #named = new Set<string>();

  of(set: SliceSet): Sequence {
    const known = this.#sequences.get(set.uid);
    return known !== undefined && this.#named.has(set.uid) ? known : this.#name(set, known);
  }

  #name(set: SliceSet, known: Sequence | undefined): Sequence {
    const name = nameOf(set);
    const sequence = known ?? this.#byName.get(name) ?? { seq: 0, accepted: 0, said: Number.NEGATIVE_INFINITY };
    this.#sequences.set(set.uid, sequence);
    this.#byName.set(name, sequence);
    this.#named.add(set.uid);
    return sequence;
  }

  /** The sink accepted this set's batches up to `seq`. */
  accept(setUid: string, seq: number): void {
    const sequence = this.#sequences.get(setUid);
    if (sequence !== undefined) sequence.accepted = Math.max(sequence.accepted, seq);
  }

  /** Where a process before this one stood, by set UID. */
  resume(seqs: Readonly<Record<string, number>>): void {
    for (const [uid, seq] of Object.entries(seqs)) {
      this.#sequences.set(uid, { seq, accepted: seq, said: Number.NEGATIVE_INFINITY });
    }
  }

  /** The last accepted `seq` of each set that has one, over what is known `from` before. */
  accepted(from: Readonly<Record<string, number>> = {}): Record<string, number> {
    const seqs: Record<string, number> = { ...from };
    for (const [uid, { accepted }] of this.#sequences) if (accepted > 0) seqs[uid] = accepted;
    return seqs;
  }

  /** The last accepted batch of each set under `token`, over those of the token before. */
  previous(before: ReadonlyMap<string, Previous>, token: Token): Map<string, Previous> {
    const previous = new Map(before);
    for (const [uid, seq] of Object.entries(this.accepted())) previous.set(uid, { ...token, seq });
    return previous;
  }
}
