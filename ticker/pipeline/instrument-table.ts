import { defineError } from '../../runtime/errors.ts';
import { TokenIndex } from '../token-index.ts';

/** The most instruments of one account: what `limits.instruments` allows, and as many underlyings again. */
export const maxInstruments = 200_000;

export const tooManyInstruments = defineError(
  'PIPELINE_TOO_MANY_INSTRUMENTS',
  'terminal',
  'Lower spec.limits.instruments of the account; no account streams that many.',
);

/** What a row is a tick of. Immutable. */
export interface InstrumentRecord {
  readonly token: number;
  /** `EXCHANGE:TRADINGSYMBOL`. */
  readonly name: string;
}

export function instrumentRecord(token: number, exchange: string, symbol: string): InstrumentRecord {
  return { token, name: instrumentName(exchange, symbol) };
}

/** Joined, for a template would keep its parts beside the whole as long as it lives. */
export function instrumentName(exchange: string, symbol: string): string {
  return [exchange, symbol].join(':');
}

const firstSlots = 64;

/**
 * The instruments of one account, shared by its slices, so that an option finds its underlying's price whichever
 * connection streams it. Each has a dense slot while anybody holds it; slots are counted references and reused.
 */
export class InstrumentTable {
  readonly #index = new TokenIndex();
  readonly #free: number[] = [];
  #slots = 0;
  #tokens = new Uint32Array(firstSlots);
  #holders = new Uint32Array(firstSlots);
  /** Last sane price in rupees by slot; `NaN` until there is one. */
  lastPrice = new Float64Array(firstSlots).fill(Number.NaN);

  /** Instruments that are held. */
  get size(): number {
    return this.#index.size;
  }

  /** Slots are below this. */
  get capacity(): number {
    return this.lastPrice.length;
  }

  /** -1 where nobody holds it. */
  slotOf(token: number): number {
    return this.#index.get(token);
  }

  /** Last sane price in rupees; undefined where there is none. */
  priceOf(token: number): number | undefined {
    const slot = this.#index.get(token);
    const price = slot < 0 ? Number.NaN : this.lastPrice[slot]!;
    return Number.isNaN(price) ? undefined : price;
  }

  /**
   * The instrument's slot, held once more. Pair it with {@link release}.
   *
   * @throws `PIPELINE_TOO_MANY_INSTRUMENTS`
   */
  acquire(token: number): number {
    let slot = this.#index.get(token);
    if (slot < 0) {
      slot = this.#free.pop() ?? this.#slots++;
      if (slot >= maxInstruments) {
        this.#slots--;
        throw tooManyInstruments(`an account streams at most ${maxInstruments} instruments`);
      }
      if (slot >= this.capacity) this.#grow();
      this.#index.set(token, slot);
      this.#tokens[slot] = token;
      this.lastPrice[slot] = Number.NaN;
    }
    this.#holders[slot]!++;
    return slot;
  }

  release(slot: number): void {
    if (this.#holders[slot] === 0) throw new RangeError(`slot ${slot} is not held`);
    if (--this.#holders[slot]! > 0) return;
    this.#index.delete(this.#tokens[slot]!);
    this.#free.push(slot);
  }

  #grow(): void {
    // Each slice has arrays of this size: doubling would leave half of them unused.
    const size = Math.ceil(this.capacity * 1.25);
    const prices = new Float64Array(size).fill(Number.NaN);
    prices.set(this.lastPrice);
    this.lastPrice = prices;
    const tokens = new Uint32Array(size);
    tokens.set(this.#tokens);
    this.#tokens = tokens;
    const holders = new Uint32Array(size);
    holders.set(this.#holders);
    this.#holders = holders;
  }
}
