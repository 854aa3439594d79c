/**
 * Decimal text, four digits at a time: the tables hold them as the 32-bit word that big-endian stores write in order.
 * Each function writes at `at`, may scribble over up to {@link scribble} bytes beyond what it returns, and returns the
 * position after its text.
 */

/** Bytes beyond the text that a word may cover. */
export const scribble = 4;

const zero = 48;
const point = 46;
const comma = 44;
const space = 32;

/** `0042` */
const padded = new Uint32Array(10_000);
/** `42` and what follows it, with the number of digits. */
const leading = new Uint32Array(10_000);
const leadingLength = new Uint8Array(10_000);
/** Hundredths as `.05,`, `.5,` or `,`, with the length. */
const hundredths = new Uint32Array(100);
const hundredthsLength = new Uint8Array(100);

for (let value = 0; value < 10_000; value++) {
  const text = String(value);
  padded[value] = word(text.padStart(4, '0'));
  leading[value] = word(text.padEnd(4));
  leadingLength[value] = text.length;
}
for (let value = 0; value < 100; value++) {
  const digits = String(value).padStart(2, '0').replace(/0+$/, '');
  const text = `${digits === '' ? '' : `.${digits}`},`;
  hundredths[value] = word(text.padEnd(4));
  hundredthsLength[value] = text.length;
}

/** Four ASCII characters as a big-endian word. */
function word(text: string): number {
  return Buffer.from(text, 'latin1').readUInt32BE(0);
}

/** Text that is written often, as words for {@link putText}. */
export interface WordText {
  readonly words: Uint32Array;
  /** Bytes, in UTF-8. */
  readonly length: number;
}

export function wordText(text: string): WordText {
  const length = Buffer.byteLength(text);
  const words = new Uint32Array(Math.ceil(length / 4));
  const bytes = Buffer.alloc(words.length * 4, space);
  bytes.write(text);
  for (let i = 0; i < words.length; i++) words[i] = bytes.readUInt32BE(4 * i);
  return { words, length };
}

export function putText(view: DataView, at: number, text: WordText): number {
  const { words } = text;
  for (let i = 0; i < words.length; i++) view.setUint32(at + 4 * i, words[i]!);
  return at + text.length;
}

/** @param value an integer from 0 to 99,999,999 */
function putSmall(view: DataView, at: number, value: number): number {
  if (value < 10_000) {
    view.setUint32(at, leading[value]!);
    return at + leadingLength[value]!;
  }
  const high = (value / 10_000) | 0;
  view.setUint32(at, leading[high]!);
  const next = at + leadingLength[high]!;
  view.setUint32(next, padded[value - high * 10_000]!);
  return next + 4;
}

/** @param value an integer from 0 to 99,999,999, written with all eight digits */
function putEight(view: DataView, at: number, value: number): number {
  const high = (value / 10_000) | 0;
  view.setUint32(at, padded[high]!);
  view.setUint32(at + 4, padded[value - high * 10_000]!);
  return at + 8;
}

/** Integers that {@link putInteger} writes are below this. */
export const integerLimit = 1e16;

/** @param value an integer from 0 to 2^53 */
export function putInteger(view: DataView, at: number, value: number): number {
  if (value < 1e8) return putSmall(view, at, value | 0);
  const high = Math.floor(value / 1e8);
  return putEight(view, putSmall(view, at, high | 0), (value - high * 1e8) | 0);
}

/** The value as {@link putInteger} writes it and a comma, or -1 where it is none that it can write. */
export function putIntegerItem(view: DataView, at: number, value: number): number {
  const small = value | 0;
  if (small !== value || small < 0) {
    if (!(value >= 0 && value < Number.MAX_SAFE_INTEGER) || Math.floor(value) !== value) return -1;
    const next = putInteger(view, at, value);
    view.setUint8(next, comma);
    return next + 1;
  }
  const next = small < 1e8 ? putSmall(view, at, small) : putInteger(view, at, small);
  view.setUint8(next, comma);
  return next + 1;
}

/** @param value an integer from 0 to 9999, written with a comma */
export function putFourItem(view: DataView, at: number, value: number): number {
  view.setUint32(at, leading[value]!);
  const next = at + leadingLength[value]!;
  view.setUint8(next, comma);
  return next + 1;
}

/**
 * A price of whole hundredths and a comma, or -1 where it is none, negative or above 10 million. It is one where the
 * quotient is the same double: the decimal with two places then reads back as that double, for both are correctly rounded.
 */
export function putPriceItem(view: DataView, at: number, value: number): number {
  const scaled = (value * 100 + 0.5) | 0;
  if (scaled < 0 || scaled / 100 !== value || scaled >= 1e9) return -1;
  const whole = (scaled / 100) | 0;
  const next = putSmall(view, at, whole);
  const rest = scaled - whole * 100;
  view.setUint32(next, hundredths[rest]!);
  return next + hundredthsLength[rest]!;
}

/** Decimals of {@link putDecimal}. */
export const decimals = 12;
/** Values that {@link putDecimal} writes are below this. */
export const decimalLimit = 1e8;

/** @param value from 0 to {@link decimalLimit}; written rounded to {@link decimals} places, with all of them */
export function putDecimal(view: DataView, at: number, value: number): number {
  let whole = value | 0;
  let fraction = Math.round((value - whole) * 1e12);
  if (fraction === 1e12) {
    whole++;
    fraction = 0;
  }
  const next = putSmall(view, at, whole);
  view.setUint8(next, point);
  const high = Math.floor(fraction / 1e8);
  view.setUint32(next + 1, padded[high]!);
  return putEight(view, next + 5, (fraction - high * 1e8) | 0);
}

/** @param value a positive integer below 10^`places`; written as its digits after a point, without trailing zeros */
export function putFraction(view: DataView, at: number, value: number, places: number): number {
  let rest = value;
  let width = places;
  while (rest % 10 === 0) {
    rest /= 10;
    width--;
  }
  view.setUint8(at, point);
  for (let digit = at + width; digit > at; digit--) {
    const tenth = Math.floor(rest / 10);
    view.setUint8(digit, zero + rest - tenth * 10);
    rest = tenth;
  }
  return at + width + 1;
}
