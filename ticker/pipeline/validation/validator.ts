import type { TickColumns } from '../../tick-columns.ts';
import { rulesByPacket } from './policy.ts';
import type { RowContext, Rule } from './rule.ts';
import { ruleNames, rules } from './rules.ts';
import { follows, survey } from './sound.ts';

/** Judges rows by the rules that anybody wants looked at. */
export class Validator {
  /** Rules that apply, with their bits, by packet. */
  readonly #rules: (readonly Rule[])[] = [];
  readonly #bits: (readonly number[])[] = [];
  /** By row: whether its own numbers plainly break no rule. */
  #plain = new Uint8Array(0);

  /** @param mask rules that are looked at; bit `i` is `rules[i]` */
  constructor(mask: number) {
    rulesByPacket(mask).forEach((bits, packet) => {
      this.#bits[packet] = bits;
      this.#rules[packet] = bits.map((bit) => rules[bit]!);
    });
  }

  /** Looks at rows from `first` on, before what each of them {@link broken breaks} is asked. */
  survey(ticks: TickColumns, first: number): void {
    if (this.#plain.length < ticks.length) this.#plain = new Uint8Array(ticks.capacity);
    survey(ticks, first, ticks.length, this.#plain);
  }

  /** Whether the own numbers of a row of those that were {@link survey surveyed} plainly break no rule. */
  plain(row: number): boolean {
    return this.#plain[row] === 1;
  }

  /** The rules that a row of those that were {@link survey surveyed} breaks, as a mask. */
  broken(ticks: TickColumns, row: number, context: RowContext): number {
    return this.#plain[row] === 1 && follows(ticks, row, context) ? 0 : this.table(ticks, row, context);
  }

  /** The same of any row, by asking each rule. */
  table(ticks: TickColumns, row: number, context: RowContext): number {
    const packet = ticks.packet[row]!;
    const applicable = this.#rules[packet];
    if (applicable === undefined) return 0;
    const bits = this.#bits[packet]!;
    let mask = 0;
    for (let i = 0; i < applicable.length; i++) if (applicable[i]!.broken(ticks, row, context)) mask |= 1 << bits[i]!;
    return mask;
  }
}

/** Mask of one rule. */
export function ruleBit(name: string): number {
  const bit = ruleNames.indexOf(name);
  if (bit < 0) throw new RangeError(`there is no rule ${name}`);
  return 1 << bit;
}

/** Names of the rules in a mask. */
export function namesOf(mask: number): string[] {
  return ruleNames.filter((_, bit) => (mask & (1 << bit)) !== 0);
}
