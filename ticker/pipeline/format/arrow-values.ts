import type { TickColumns } from '../../tick-columns.ts';
import type { RowBatch } from '../row-batch.ts';

const twoTo32 = 2 ** 32;

/** A column of a batch. It is written as it is where every row has a value, else value by value. */
export type Numbers = Float64Array | Int32Array | Uint16Array;

/**
 * Which rows of a batch have a value, as an Arrow validity bitmap: bit `row % 8` of byte `row / 8` is set where there is
 * one. Its bytes are reused for the next column.
 */
export class Validity {
  bytes = new Uint8Array(128);
  nulls = 0;

  /** Every row has a value. */
  all(): void {
    this.nulls = 0;
  }

  /**
   * Rows of a packet in `mask`, of those the ones whose number is finite and, for `zeroIsNone`, not 0.
   *
   * @param seen the packets that the batch has, as a mask
   * @param finite that all numbers are is known
   */
  ofScalar(
    values: Float64Array | Int32Array,
    batch: RowBatch,
    seen: number,
    mask: number,
    zeroIsNone: boolean,
    finite: boolean,
  ): void {
    const { length } = batch;
    const everyRow = (seen & ~mask) === 0;
    if (everyRow && (finite || allFinite(values, length)) && (!zeroIsNone || noZero(values, length))) {
      this.all();
      return;
    }
    this.#clear(length);
    const { bytes } = this;
    const packets = batch.columns.packet;
    let nulls = 0;
    for (let row = 0; row < length; row++) {
      const value = values[row]!;
      // Infinities and NaN are the numbers that less themselves are not 0.
      const valid = (mask & (1 << packets[row]!)) !== 0 && value - value === 0 && !(zeroIsNone && value === 0);
      if (valid) bytes[row >> 3]! |= 1 << (row & 7);
      else nulls++;
    }
    this.nulls = nulls;
  }

  /** Rows of a packet in `mask`. */
  ofPackets(batch: RowBatch, seen: number, mask: number): void {
    const packets = batch.columns.packet;
    if ((seen & ~mask) === 0) this.all();
    else this.ofRows(batch.length, (row) => (mask & (1 << packets[row]!)) !== 0);
  }

  ofRows(length: number, valid: (row: number) => boolean): void {
    this.#clear(length);
    let nulls = 0;
    for (let row = 0; row < length; row++) {
      if (valid(row)) this.bytes[row >> 3]! |= 1 << (row & 7);
      else nulls++;
    }
    this.nulls = nulls;
  }

  has(row: number): boolean {
    return this.nulls === 0 || (this.bytes[row >> 3]! & (1 << (row & 7))) !== 0;
  }

  #clear(length: number): void {
    const size = (length + 7) >> 3;
    if (size > this.bytes.length) this.bytes = new Uint8Array(Math.max(size, this.bytes.length * 2));
    else this.bytes.fill(0, 0, size);
  }
}

function allFinite(values: Float64Array | Int32Array, length: number): boolean {
  if (values instanceof Int32Array) return true;
  for (let i = 0; i < length; i++) if (values[i]! - values[i]! !== 0) return false;
  return true;
}

function noZero(values: Float64Array | Int32Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (values[i] === 0) return false;
  return true;
}

/** The packets that a batch has, as a mask. */
export function packetsOf(ticks: TickColumns): number {
  let seen = 0;
  for (let row = 0; row < ticks.length; row++) seen |= 1 << ticks.packet[row]!;
  return seen;
}

/** Writes `length` rows of `width` values, of the same type as they are; those of a row without one are 0. */
export function writeSame<T extends Numbers>(to: T, values: T, length: number, width: number, valid: Validity): void {
  if (valid.nulls === 0) {
    to.set(values.subarray(0, length * width));
    return;
  }
  for (let row = 0; row < length; row++) {
    const has = valid.has(row);
    for (let i = row * width; i < (row + 1) * width; i++) to[i] = has ? values[i]! : 0;
  }
}

/** Whole numbers up to 2^53 as 64-bit integers, by their two halves: no BigInt is made. Those of a row without one are 0. */
export function writeInt64s(to: Int32Array, values: Float64Array, length: number, valid: Validity): void {
  const every = valid.nulls === 0;
  let before = 0;
  let low = 0;
  let high = 0;
  for (let row = 0; row < length; row++) {
    const value = every || valid.has(row) ? values[row]! : 0;
    // Times, the large ones, repeat from row to row.
    if (value !== before) {
      before = value;
      low = value | 0;
      high = low === value ? low >> 31 : Math.floor(value / twoTo32);
    }
    to[2 * row] = low;
    to[2 * row + 1] = high;
  }
}
