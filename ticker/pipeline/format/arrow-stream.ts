import { batchMalformed } from './read.ts';

/**
 * An Arrow IPC stream whose schema carries the delivery header as JSON under the metadata key `header`. Only the bytes
 * of its first message are looked at here, so that neither stamping nor routing needs the library. Layout: Apache Arrow
 * columnar format 1.5, "Encapsulated message format", and `Schema.fbs`, `Message.fbs`.
 */
export const headerKey = 'header';

/** Bytes before a message's metadata: 0xffffffff and its length. */
export const messagePrefix = 8;
const continuation = 0xffff_ffff;
/** Vtable slots of the tables on the way: `Message.header_type`, `Message.header`, `Schema.custom_metadata`. */
const slots = { headerType: 1, header: 2, customMetadata: 2, key: 0, value: 1 } as const;
const schemaType = 1;
/** Entries of the schema's metadata that are looked at. */
const maxEntries = 64;

/** Where the first message ends, and where its offset to the header's text is. */
interface Place {
  readonly end: number;
  readonly field: number;
}

/** Position of a field of a flatbuffer table; 0 where it is absent. */
export function fieldOf(view: DataView, table: number, slot: number): number {
  const vtable = table - view.getInt32(table, true);
  const entry = 4 + 2 * slot;
  if (entry >= view.getUint16(vtable, true)) return 0;
  const offset = view.getUint16(vtable + entry, true);
  return offset === 0 ? 0 : table + offset;
}

/** Where a field's offset leads. */
export function follow(view: DataView, field: number): number {
  return field + view.getUint32(field, true);
}

function textAt(bytes: Uint8Array, view: DataView, field: number): string {
  const start = follow(view, field);
  const length = view.getUint32(start, true);
  if (start + 4 + length > bytes.length) throw new RangeError('a text goes beyond the message');
  return Buffer.from(bytes.buffer, bytes.byteOffset + start + 4, length).toString();
}

function placeOf(bytes: Uint8Array, view: DataView): Place {
  const end = messagePrefix + view.getUint32(4, true);
  if (view.getUint32(0, true) !== continuation || end > bytes.length) throw new RangeError('not an Arrow stream');
  const message = follow(view, messagePrefix);
  const type = fieldOf(view, message, slots.headerType);
  if (type === 0 || view.getUint8(type) !== schemaType) throw new RangeError('the first message is no schema');
  const schema = follow(view, fieldOf(view, message, slots.header));
  const metadata = fieldOf(view, schema, slots.customMetadata);
  const vector = metadata === 0 ? 0 : follow(view, metadata);
  const entries = metadata === 0 ? 0 : Math.min(maxEntries, view.getUint32(vector, true));
  for (let i = 0; i < entries; i++) {
    const entry = follow(view, vector + 4 + 4 * i);
    if (textAt(bytes, view, fieldOf(view, entry, slots.key)) !== headerKey) continue;
    return { end, field: fieldOf(view, entry, slots.value) };
  }
  throw new RangeError(`the schema's metadata has no ${headerKey}`);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What stands for the header until a body is stamped: room for most headers. */
export const unstampedHeader = ' '.repeat(504);
const space = 0x20;

/**
 * The stream with `header` for its header text. A body's first header is written into the room that was left for it:
 * **what is returned is then the body's own memory**, and nothing is copied. Stamped once more (under another token), or
 * with a header longer than the room, the body is copied, the text put behind the schema message and the offset to it
 * turned there; what was returned before stays as it is.
 *
 * @param body what `ArrowEncoder` made
 */
export function stampArrow(header: string, body: Uint8Array): Uint8Array {
  const view = viewOf(body);
  const { end, field } = placeOf(body, view);
  const text = Buffer.from(header);
  const start = follow(view, field);
  const room = view.getUint32(start, true);
  if (body[start + 4] === space && room >= text.length) {
    view.setUint32(start, text.length, true);
    body.set(text, start + 4);
    body.fill(0, start + 4 + text.length, start + 4 + room);
    return body;
  }
  const stamped = withText(body, end, field, text);
  // A header that is said no more is not found by who looks for one.
  stamped.fill(0, start + 4, start + 4 + room);
  return stamped;
}

function withText(body: Uint8Array, end: number, field: number, text: Buffer): Buffer {
  // A length before the text and a NUL after it; messages end at a multiple of 8.
  const room = aligned(4 + text.length + 1);
  const stamped = Buffer.allocUnsafe(body.length + room);
  stamped.set(body.subarray(0, end), 0);
  stamped.writeUint32LE(end - messagePrefix + room, 4);
  stamped.writeUint32LE(end - field, field);
  stamped.writeUint32LE(text.length, end);
  stamped.set(text, end + 4);
  stamped.fill(0, end + 4 + text.length, end + room);
  stamped.set(body.subarray(end), end + room);
  return stamped;
}

/** The next multiple of 8: where messages and buffers start. */
export function aligned(bytes: number): number {
  return (bytes + 7) & ~7;
}

/**
 * The header's JSON text of a stamped stream.
 *
 * @throws `BATCH_MALFORMED` where the bytes are no Arrow stream, or its schema carries no header
 */
export function arrowHeaderText(bytes: Uint8Array): string {
  try {
    const view = viewOf(bytes);
    return textAt(bytes, view, placeOf(bytes, view).field);
  } catch (cause) {
    throw batchMalformed('the payload is neither JSON nor an Arrow stream with a delivery header', { cause });
  }
}
