import {
  decimalLimit,
  putDecimal,
  putFraction,
  putInteger,
  putIntegerItem,
  putPriceItem,
  putText,
  scribble,
  type WordText,
} from './digits.ts';

/** Bytes reserved at first; doubled as needed. What bounds it is the largest batch (10,000 rows of about 1 kB). */
const firstCapacity = 1 << 16;
/** Longest text of a number, `-1.2345678901234567e-100`, with room for what words scribble. */
export const numberRoom = 32;
const minus = 45;
const quote = 34;
/** Text that is the same in JSON, between quotes. */
const plain = /^[ !#-[\]-~]*$/;

/**
 * Builds ASCII text in one reused buffer: many times quicker than joining strings when most of it is numbers. Loops that
 * write much {@link reserve} once, write into {@link view} themselves from {@link length} on, and set that.
 */
export class AsciiWriter {
  #bytes = Buffer.allocUnsafe(firstCapacity);
  #view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length);
  /** Bytes written. Setting it back takes back what was written since. */
  length = 0;

  /** Changes with {@link reserve}. */
  get view(): DataView {
    return this.#view;
  }

  clear(): void {
    this.length = 0;
  }

  text(): string {
    return this.#bytes.toString('latin1', 0, this.length);
  }

  /** @param target with room for {@link length} bytes */
  copyTo(target: Buffer): void {
    this.#bytes.copy(target, 0, 0, this.length);
  }

  /** @param text ASCII only */
  string(text: string): void {
    this.reserve(text.length);
    this.length += this.#bytes.write(text, this.length, 'latin1');
  }

  /** Any text as JSON in ASCII. */
  quoted(text: string): void {
    if (!plain.test(text)) {
      this.string(asciiJson(text));
      return;
    }
    this.byte(quote);
    this.string(text);
    this.byte(quote);
  }

  words(text: WordText): void {
    this.reserve(text.length + scribble);
    this.length = putText(this.#view, this.length, text);
  }

  byte(code: number): void {
    this.reserve(1);
    this.#bytes[this.length++] = code;
  }

  /** Shortest text that reads back as the same number: what `String(value)` writes, for a finite value. */
  number(value: number): void {
    this.reserve(numberRoom);
    let next = putIntegerItem(this.#view, this.length, value);
    if (next < 0) next = putPriceItem(this.#view, this.length, value);
    if (next >= 0) {
      // The item's comma.
      this.length = next - 1;
      return;
    }
    if (this.#scaled(value, 1, 0)) return;
    // A wire price is an integer over 100, 10,000 or 10,000,000. Where the quotient is the same double, the decimal
    // with that many places reads back as that double, for both are correctly rounded.
    if (this.#scaled(value, 100, 2) || this.#scaled(value, 10_000, 4) || this.#scaled(value, 10_000_000, 7)) return;
    this.string(String(value));
  }

  /** A finite value, rounded to 12 decimals where it is below 10^8, else as {@link number} writes it. */
  decimal(value: number): void {
    const magnitude = Math.abs(value);
    if (!(magnitude < decimalLimit - 1)) {
      this.number(value);
      return;
    }
    this.reserve(numberRoom);
    if (value < 0) this.#bytes[this.length++] = minus;
    this.length = putDecimal(this.#view, this.length, magnitude);
  }

  /** Makes room for so many bytes more. */
  reserve(room: number): void {
    if (this.length + room <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.length + room));
    this.#bytes.copy(grown, 0, 0, this.length);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer, grown.byteOffset, grown.length);
  }

  #scaled(value: number, divisor: number, places: number): boolean {
    const scaled = Math.round(value * divisor);
    if (scaled / divisor !== value || Math.abs(scaled) >= 1e15 * 9) return false;
    const magnitude = Math.abs(scaled);
    if (scaled < 0) this.#bytes[this.length++] = minus;
    const fraction = magnitude % divisor;
    this.length = putInteger(this.#view, this.length, (magnitude - fraction) / divisor);
    if (fraction > 0) this.length = putFraction(this.#view, this.length, fraction, places);
    return true;
  }
}

/** A string as JSON in ASCII: whatever is outside is escaped. */
export function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
