import { type ApacheArrow, loadApacheArrow } from './apache-arrow.ts';
import { schemaOf } from './arrow-schema.ts';
import { aligned, fieldOf, follow, messagePrefix } from './arrow-stream.ts';
import type { Column } from './columns.ts';

export const endOfStream = Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0);

/** Vtable slots: `Message`, `DictionaryBatch`, `RecordBatch` of the columnar format's `Message.fbs`. */
const slots = { header: 2, bodyLength: 3, data: 1, length: 0, nodes: 1, buffers: 2 } as const;
/** Bytes of a `FieldNode` (length, nulls) and of a `Buffer` (offset, length). */
const pairBytes = 16;

type Messages = ApacheArrow['message'];

/**
 * The framed metadata of a record batch, or of a dictionary, with so many nodes and buffers. It is made by the library
 * once; the lengths of a batch are then written where they stand in a copy: a flatbuffer built anew for each batch would
 * cost more than its numbers.
 */
export class RecordTemplate {
  readonly size: number;
  readonly #bytes: Buffer;
  readonly #bodyLength: number;
  readonly #length: number;
  readonly #nodes: number;
  readonly #buffers: number;

  /** @param id of the dictionary; absent for a record batch */
  constructor(nodes: number, buffers: number, id?: number) {
    const { RecordBatch, DictionaryBatch, FieldNode, BufferRegion, Message }: Messages = loadApacheArrow().message;
    // No length is 0, for a field that has its default is left out.
    const batch = new RecordBatch(
      1,
      Array.from({ length: nodes }, () => new FieldNode(1, 1)),
      Array.from({ length: buffers }, () => new BufferRegion(1, 1)),
      null,
    );
    const bytes = framed(Message.encode(Message.from(id === undefined ? batch : new DictionaryBatch(batch, id), 1)));
    const view = viewOf(bytes);
    const message = follow(view, messagePrefix);
    const header = follow(view, fieldOf(view, message, slots.header));
    const record = id === undefined ? header : follow(view, fieldOf(view, header, slots.data));
    this.#bytes = bytes;
    this.size = bytes.length;
    this.#bodyLength = fieldOf(view, message, slots.bodyLength);
    this.#length = fieldOf(view, record, slots.length);
    this.#nodes = follow(view, fieldOf(view, record, slots.nodes)) + 4;
    this.#buffers = follow(view, fieldOf(view, record, slots.buffers)) + 4;
  }

  /** Writes the message of a batch of `length` rows whose body has `bodyLength` bytes; its nodes and buffers are to follow. */
  begin(out: Buffer, view: DataView, at: number, length: number, bodyLength: number): void {
    this.#bytes.copy(out, at);
    view.setUint32(at + this.#bodyLength, bodyLength, true);
    view.setUint32(at + this.#length, length, true);
  }

  /** The `index`th node of the message at `at`. */
  node(view: DataView, at: number, index: number, length: number, nulls: number): void {
    putPair(view, at + this.#nodes + pairBytes * index, length, nulls);
  }

  buffer(view: DataView, at: number, index: number, offset: number, length: number): void {
    putPair(view, at + this.#buffers + pairBytes * index, offset, length);
  }
}

/** Two 64-bit integers, below 2^32: the other halves are 0 in the template. */
function putPair(view: DataView, at: number, first: number, second: number): void {
  view.setUint32(at, first, true);
  view.setUint32(at + 8, second, true);
}

/** The schema of a batch that has these columns, framed. */
export function schemaMessage(columns: readonly Column[]): Buffer {
  const { Message } = loadApacheArrow().message;
  return framed(Message.encode(Message.from(schemaOf(columns))));
}

const dictionaryTemplates = new Map<number, RecordTemplate>();

/** The metadata of the dictionary `id`, a column of texts. */
function dictionaryTemplate(id: number): RecordTemplate {
  const known = dictionaryTemplates.get(id);
  if (known !== undefined) return known;
  const made = new RecordTemplate(1, 3, id);
  dictionaryTemplates.set(id, made);
  return made;
}

/** Bytes of the message of a dictionary of so many texts of so many bytes: its body is offsets, then the texts. */
export function dictionarySize(id: number, texts: number, bytes: number): number {
  return dictionaryTemplate(id).size + aligned(4 * (texts + 1)) + aligned(bytes);
}

/** Writes the metadata of such a dictionary; returns where its body is to be written. */
export function beginDictionary(
  out: Buffer,
  view: DataView,
  at: number,
  id: number,
  texts: number,
  bytes: number,
): number {
  const template = dictionaryTemplate(id);
  const offsets = 4 * (texts + 1);
  template.begin(out, view, at, texts, aligned(offsets) + aligned(bytes));
  template.node(view, at, 0, texts, 0);
  template.buffer(view, at, 0, 0, 0);
  template.buffer(view, at, 1, 0, offsets);
  template.buffer(view, at, 2, aligned(offsets), bytes);
  return at + template.size;
}

/** A dictionary of texts, framed and whole. */
export function dictionaryMessage(id: number, texts: readonly string[]): Buffer {
  const encoded = texts.map((text) => Buffer.from(text));
  const bytes = encoded.reduce((sum, { length }) => sum + length, 0);
  const out = Buffer.alloc(dictionarySize(id, texts.length, bytes));
  const view = viewOf(out);
  const body = beginDictionary(out, view, 0, id, texts.length, bytes);
  let end = 0;
  encoded.forEach((text, index) => {
    text.copy(out, body + aligned(4 * (texts.length + 1)) + end);
    end += text.length;
    view.setInt32(body + 4 * (index + 1), end, true);
  });
  return out;
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** An encapsulated message: prefix and metadata, up to a multiple of 8. */
function framed(metadata: Uint8Array): Buffer {
  const out = Buffer.alloc(aligned(messagePrefix + metadata.length));
  out.writeUint32LE(0xffff_ffff, 0);
  out.writeUint32LE(out.length - messagePrefix, 4);
  out.set(metadata, messagePrefix);
  return out;
}
