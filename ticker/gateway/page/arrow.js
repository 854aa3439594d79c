/**
 * The delivery header of a batch in Arrow, which is all that the page reads of it: JSON text in the metadata of the
 * stream's first message, its length before it. Undefined where there is none.
 */
export function arrowHeader(buffer) {
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  if (bytes.length < 8 || view.getUint32(0, true) !== 0xffffffff) return undefined;
  const end = Math.min(bytes.length, 8 + view.getUint32(4, true));
  const start = [...'{"v":'].map((letter) => letter.charCodeAt(0));
  for (let at = 8; at + start.length < end; at++) {
    if (!start.every((code, i) => bytes[at + i] === code)) continue;
    const length = view.getUint32(at - 4, true);
    return JSON.parse(new TextDecoder().decode(bytes.subarray(at, at + length)));
  }
  return undefined;
}
