/** Bytes reserved at first; doubled as needed. What bounds it is the largest batch (10,000 rows of about 1 kB). */
const firstCapacity = 1 << 16;
/** Longest text of a number: `-1.2345678901234567e-100`, with room to spare. */
const numberRoom = 32;
const zero = 48;
const minus = 45;
const point = 46;

/** Builds ASCII text in one reused buffer: many times quicker than joining strings when most of it is numbers. */
export class AsciiWriter {
  #bytes = Buffer.allocUnsafe(firstCapacity);
  /** Bytes written. Setting it back takes back what was written since. */
  length = 0;

  clear(): void {
    this.length = 0;
  }

  text(): string {
    return this.#bytes.toString('latin1', 0, this.length);
  }

  /** @param text ASCII only */
  string(text: string): void {
    this.#reserve(text.length);
    const bytes = this.#bytes;
    let at = this.length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.length = at;
  }

  byte(code: number): void {
    this.#reserve(1);
    this.#bytes[this.length++] = code;
  }

  /** Shortest text that reads back as the same number: what `String(value)` writes, for a finite value. */
  number(value: number): void {
    this.#reserve(numberRoom);
    if (this.#scaled(value, 1, 0)) return;
    // A wire price is an integer over 100, 10,000 or 10,000,000. Where the quotient is the same double, the decimal
    // with that many places reads back as that double, for both are correctly rounded.
    if (this.#scaled(value, 100, 2) || this.#scaled(value, 10_000, 4) || this.#scaled(value, 10_000_000, 7)) return;
    this.string(String(value));
  }

  #scaled(value: number, divisor: number, places: number): boolean {
    const scaled = Math.round(value * divisor);
    if (scaled / divisor !== value || Math.abs(scaled) >= 1e15 * 9) return false;
    if (scaled === 0) {
      this.#bytes[this.length++] = zero;
      return true;
    }
    let magnitude = scaled;
    if (scaled < 0) {
      this.#bytes[this.length++] = minus;
      magnitude = -scaled;
    }
    if (places === 0) {
      this.#digits(magnitude, 1);
      return true;
    }
    let fraction = magnitude % divisor;
    this.#digits((magnitude - fraction) / divisor, 1);
    let width = places;
    while (fraction % 10 === 0) {
      fraction /= 10;
      width--;
    }
    this.#bytes[this.length++] = point;
    this.#digits(fraction, width);
    return true;
  }

  /** Writes a non-negative integer below 2^53 with at least `width` digits. */
  #digits(value: number, width: number): void {
    let high = value;
    if (value >= 1e9) {
      const low = value % 1e9;
      high = (value - low) / 1e9;
      this.#small(high, 1);
      this.#small(low, 9);
      return;
    }
    this.#small(high, width);
  }

  #small(value: number, width: number): void {
    let digits = width;
    for (let bound = 10 ** width; value >= bound; bound *= 10) digits++;
    const bytes = this.#bytes;
    let rest = value | 0;
    const end = this.length + digits;
    for (let at = end - 1; at >= this.length; at--) {
      const tenth = (rest / 10) | 0;
      bytes[at] = zero + rest - tenth * 10;
      rest = tenth;
    }
    this.length = end;
  }

  #reserve(room: number): void {
    if (this.length + room <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.length + room));
    this.#bytes.copy(grown, 0, 0, this.length);
    this.#bytes = grown;
  }
}

/** A string as JSON in ASCII: whatever is outside is escaped. */
export function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
