const openBrace = 0x7b;

/** A payload as readers get it: text where it is JSON, which begins with a brace as nothing else does; else bytes. */
export function readPayload(payload: string | Uint8Array): string | Uint8Array {
  if (typeof payload === 'string' || payload[0] !== openBrace) return payload;
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString();
}
