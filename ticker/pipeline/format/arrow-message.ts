import { type ApacheArrow, loadApacheArrow } from './apache-arrow.ts';
import { schemaOf } from './arrow-schema.ts';
import { aligned } from './arrow-stream.ts';
import type { Column } from './columns.ts';

/** 0xffffffff and the length of the metadata come before the metadata. */
const prefix = 8;
export const endOfStream = Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0);

type Messages = ApacheArrow['message'];
type Node = InstanceType<Messages['FieldNode']>;
type Region = InstanceType<Messages['BufferRegion']>;

/** Parts of a message's body: each starts at a multiple of 8. */
export class Layout {
  readonly nodes: Node[] = [];
  readonly regions: Region[] = [];
  size = 0;
  readonly #message = loadApacheArrow().message;

  node(length: number, nulls: number): void {
    this.nodes.push(new this.#message.FieldNode(length, nulls));
  }

  region(bytes: number): void {
    this.regions.push(new this.#message.BufferRegion(this.size, bytes));
    this.size += aligned(bytes);
  }

  /** The metadata of a record batch, or of the dictionary `id`. */
  encode(length: number, id?: number): Uint8Array {
    const { RecordBatch, DictionaryBatch, Message } = this.#message;
    const batch = new RecordBatch(length, this.nodes, this.regions, null);
    return Message.encode(Message.from(id === undefined ? batch : new DictionaryBatch(batch, id), this.size));
  }
}

/** The schema of a batch that has these columns, framed. */
export function schemaMessage(columns: readonly Column[]): Buffer {
  const { Message } = loadApacheArrow().message;
  const metadata = Message.encode(Message.from(schemaOf(columns)));
  const out = Buffer.alloc(framedSize(metadata));
  frame(out, 0, metadata);
  return out;
}

/** A dictionary of texts, framed and whole. */
export function dictionaryMessage(id: number, texts: readonly string[]): Buffer {
  // One text is written at once many times quicker than a thousand short ones.
  const joined = Buffer.from(texts.join(''));
  const layout = new Layout();
  layout.node(texts.length, 0);
  layout.region(0);
  layout.region(4 * (texts.length + 1));
  layout.region(joined.length);
  const metadata = layout.encode(texts.length, id);
  const start = framedSize(metadata);
  const out = Buffer.alloc(start + layout.size);
  frame(out, 0, metadata);
  const offsets = new Int32Array(out.buffer, out.byteOffset + start + layout.regions[1]!.offset, texts.length + 1);
  const ascii = texts.reduce((sum, text) => sum + text.length, 0) === joined.length;
  texts.forEach((text, index) => {
    offsets[index + 1] = offsets[index]! + (ascii ? text.length : Buffer.byteLength(text));
  });
  joined.copy(out, start + layout.regions[2]!.offset);
  return out;
}

/** Bytes of a message's metadata with what frames it. */
export function framedSize(metadata: Uint8Array): number {
  return aligned(prefix + metadata.length);
}

/** Writes an encapsulated message's prefix and metadata. */
export function frame(out: Buffer, at: number, metadata: Uint8Array): void {
  const size = framedSize(metadata);
  out.writeUint32LE(0xffff_ffff, at);
  out.writeUint32LE(size - prefix, at + 4);
  out.set(metadata, at + prefix);
  out.fill(0, at + prefix + metadata.length, at + size);
}
