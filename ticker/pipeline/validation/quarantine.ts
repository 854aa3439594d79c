import type { InstrumentRecord } from '../instrument-table.ts';
import { namesOf } from './validator.ts';

/** Breaches kept for people to look at; older ones are overwritten. */
export const quarantineSize = 64;

/** A row that broke a rule. */
export interface Breach {
  readonly instrument: string;
  readonly rules: readonly string[];
  /** Microseconds since the epoch. */
  readonly receivedAt: number;
  /** Rupees. */
  readonly lastPrice: number;
  /** Whether every set kept it out. */
  readonly quarantined: boolean;
}

/** The newest rows that broke a rule, in a ring that is written without allocating. */
export class Quarantine {
  readonly #records: (InstrumentRecord | undefined)[] = new Array(quarantineSize).fill(undefined);
  readonly #masks = new Int32Array(quarantineSize);
  readonly #times = new Float64Array(quarantineSize);
  readonly #prices = new Float64Array(quarantineSize);
  readonly #kept = new Uint8Array(quarantineSize);
  #written = 0;

  /** Breaches so far. */
  get written(): number {
    return this.#written;
  }

  add(record: InstrumentRecord, mask: number, receivedAt: number, lastPrice: number, quarantined: boolean): void {
    const at = this.#written++ % quarantineSize;
    this.#records[at] = record;
    this.#masks[at] = mask;
    this.#times[at] = receivedAt;
    this.#prices[at] = lastPrice;
    this.#kept[at] = quarantined ? 1 : 0;
  }

  /** The newest last. */
  breaches(): Breach[] {
    const list: Breach[] = [];
    for (let n = Math.max(0, this.#written - quarantineSize); n < this.#written; n++) {
      const at = n % quarantineSize;
      list.push({
        instrument: this.#records[at]!.name,
        rules: namesOf(this.#masks[at]!),
        receivedAt: this.#times[at]!,
        lastPrice: this.#prices[at]!,
        quarantined: this.#kept[at] === 1,
      });
    }
    return list;
  }
}
