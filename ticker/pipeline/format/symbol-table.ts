import type { InstrumentRecord } from '../instrument-table.ts';
import { type AsciiWriter, asciiJson } from './ascii-writer.ts';
import { wordText } from './digits.ts';

/** Names that are remembered; past it all are forgotten and learned anew. A connection streams fewer instruments. */
const mostNames = 16_384;
const firstNames = 256;
/** How much more room is made than is needed: there is a table for each set of each connection. */
const growth = 1.25;
/** The same where it is known how many names there will be, for they are not of one length. */
const lengthMargin = 1.05;
/** Bytes of a name, usually. */
const usualBytes = 24;

/** Words of a name as an item of a JSON column, usually. */
const usualWords = 8;

/**
 * The names of one set's instruments, one behind the other. They are copied from one piece of memory: looking each up in
 * an object of its own costs a batch more than many of its numbers. In UTF-8 for a dictionary: a batch with most of the
 * instruments carries all names as they lie here; another carries its own, in the order of their first row. Names are
 * kept in the one form that is asked for; where the other is, they are learned anew.
 */
export class SymbolTable {
  /** For each row of the batch that was collected last: index of its name among those that the batch carries. */
  indexes = new Int32Array(firstNames);
  /** Names that the batch carries, and their bytes together. */
  count = 0;
  bytes = 0;
  #form: 'text' | 'items' = 'text';
  #text = Buffer.alloc(0);
  /** Where name `i` begins; one more than there are names. */
  #starts = new Int32Array(1);
  #names = 0;
  /** Names that there is room for. */
  #room = 0;
  /** Name `i` as an item of a JSON column: words from `i`'s place on, of so many characters; see {@link putText}. */
  #items = new Uint32Array(0);
  #itemAt = new Int32Array(1);
  #itemLength = new Uint16Array(0);
  /** By slot: what it was when its name was learned, and that name. */
  readonly #records: (InstrumentRecord | undefined)[] = [];
  #nameOf = new Int32Array(0);
  /** Of rows without a slot. */
  readonly #others = new Map<InstrumentRecord, number>();
  /** By name: the batch that it was seen in last, counted, and its place among that batch's names. */
  #seen = new Float64Array(0);
  #place = new Int32Array(0);
  #batch = 0;
  /** Names, and slots, that there will be. */
  #expectedNames = 0;
  #expectedSlots = 0;
  /** The names of the batch, in order; unless it carries all. */
  #chosen = new Int32Array(0);
  #all = true;

  /** So many names, and slots below `slots`, are to come: what is outgrown is next made so large at once. */
  expect(names: number, slots: number): void {
    this.#expectedNames = Math.min(names, mostNames);
    this.#expectedSlots = slots;
  }

  /** @param slots of the rows' instruments; negative where there is none */
  collect(slots: Int32Array, instruments: readonly InstrumentRecord[], rows: number): void {
    this.#use('text');
    if (rows > this.indexes.length) this.indexes = new Int32Array(2 * rows);
    const { indexes } = this;
    const batch = ++this.#batch;
    let count = 0;
    let bytes = 0;
    for (let row = 0; row < rows; row++) {
      const name = this.#find(slots[row]!, instruments[row]!);
      indexes[row] = name;
      if (this.#seen[name] === batch) continue;
      this.#seen[name] = batch;
      this.#place[name] = count;
      this.#chosen[count++] = name;
      bytes += this.#starts[name + 1]! - this.#starts[name]!;
    }
    this.#all = 2 * count >= this.#names;
    this.count = this.#all ? this.#names : count;
    this.bytes = this.#all ? this.#starts[this.#names]! : bytes;
    if (this.#all) return;
    const place = this.#place;
    for (let row = 0; row < rows; row++) indexes[row] = place[indexes[row]!]!;
  }

  /** Writes the names to `texts`, and where each begins and the last ends to `offsets`. */
  write(out: Buffer, offsets: Int32Array, texts: number): void {
    if (this.#all) {
      offsets.set(this.#starts.subarray(0, this.#names + 1));
      this.#text.copy(out, texts, 0, this.bytes);
      return;
    }
    const text = this.#text;
    let end = 0;
    for (let i = 0; i < this.count; i++) {
      offsets[i] = end;
      const name = this.#chosen[i]!;
      const stop = this.#starts[name + 1]!;
      for (let at = this.#starts[name]!; at < stop; at++) out[texts + end++] = text[at]!;
    }
    offsets[this.count] = end;
  }

  /** Writes the names of rows as items of a JSON column, each with a comma. */
  writeItems(writer: AsciiWriter, slots: Int32Array, instruments: readonly InstrumentRecord[], rows: number): void {
    this.#use('items');
    for (let row = 0; row < rows; row++) {
      const name = this.#find(slots[row]!, instruments[row]!);
      const first = this.#itemAt[name]!;
      const stop = this.#itemAt[name + 1]!;
      writer.reserve(4 * (stop - first));
      const { view } = writer;
      const items = this.#items;
      let at = writer.length;
      for (let i = first; i < stop; i++) {
        view.setUint32(at, items[i]!);
        at += 4;
      }
      writer.length += this.#itemLength[name]!;
    }
  }

  #find(slot: number, record: InstrumentRecord): number {
    return slot >= 0 && this.#records[slot] === record ? this.#nameOf[slot]! : this.#learn(slot, record);
  }

  #learn(slot: number, record: InstrumentRecord): number {
    if (slot < 0) {
      const known = this.#others.get(record);
      if (known !== undefined) return known;
    }
    const name = this.#names++;
    if (name >= this.#room) this.#grow();
    if (this.#form === 'text') this.#addText(name, record.name);
    else this.#addItem(name, record.name);
    if (slot < 0) this.#others.set(record, name);
    else {
      if (slot >= this.#nameOf.length) this.#nameOf = grown(this.#nameOf, Math.max(slot + 1, this.#expectedSlots));
      while (this.#records.length <= slot) this.#records.push(undefined);
      this.#records[slot] = record;
      this.#nameOf[slot] = name;
    }
    return name;
  }

  #addText(name: number, text: string): void {
    const start = this.#starts[name]!;
    const length = Buffer.byteLength(text);
    if (start + length > this.#text.length) {
      const longer = Buffer.alloc(this.#sizeFor(start + length, firstNames * usualBytes));
      this.#text.copy(longer, 0, 0, start);
      this.#text = longer;
    }
    this.#text.write(text, start);
    this.#starts[name + 1] = start + length;
  }

  #addItem(name: number, text: string): void {
    const { words, length } = wordText(`${asciiJson(text)},`);
    const itemAt = this.#itemAt[name]!;
    if (itemAt + words.length > this.#items.length) {
      const longer = new Uint32Array(this.#sizeFor(itemAt + words.length, firstNames * usualWords));
      longer.set(this.#items);
      this.#items = longer;
    }
    this.#items.set(words, itemAt);
    this.#itemAt[name + 1] = itemAt + words.length;
    this.#itemLength[name] = length;
  }

  /** Whatever it has is of this form, and not too much. */
  #use(form: 'text' | 'items'): void {
    if (this.#form === form && this.#names <= mostNames) return;
    if (this.#form !== form) {
      this.#room = 0;
      this.#text = Buffer.alloc(0);
      this.#items = new Uint32Array(0);
    }
    this.#form = form;
    this.#names = 0;
    this.#records.length = 0;
    this.#others.clear();
  }

  /** Room for `needed`, which all names take so far, and for those that are expected: usually of the same length. */
  #sizeFor(needed: number, first: number): number {
    if (needed <= first) return first;
    const share = this.#expectedNames / this.#names;
    return Math.ceil(needed * Math.max(growth, lengthMargin * share));
  }

  #grow(): void {
    const room = this.#room;
    const more = this.#expectedNames > room ? this.#expectedNames : Math.ceil(growth * room);
    const size = room === 0 ? firstNames : more;
    this.#room = size;
    if (this.#form === 'items') {
      this.#itemAt = resized(this.#itemAt, new Int32Array(size + 1));
      this.#itemLength = resized(this.#itemLength, new Uint16Array(size));
      return;
    }
    this.#starts = resized(this.#starts, new Int32Array(size + 1));
    this.#place = resized(this.#place, new Int32Array(size));
    this.#chosen = resized(this.#chosen, new Int32Array(size));
    this.#seen = resized(this.#seen, new Float64Array(size));
  }
}

/** `to`, with what `from` has and there is room for. */
function resized<T extends Int32Array | Uint16Array | Float64Array>(from: T, to: T): T {
  to.set(from.subarray(0, to.length));
  return to;
}

function grown(from: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(size, Math.ceil(growth * from.length)));
  larger.set(from);
  return larger;
}
