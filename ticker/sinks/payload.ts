const openBrace = 0x7b;

/**
 * A payload as readers get it: text where it is JSON, which begins with a brace as nothing else does; else bytes. A copy
 * in any case, for the sender uses its memory again.
 */
export function readPayload(payload: string | Uint8Array): string | Uint8Array {
  if (typeof payload === 'string') return payload;
  if (payload[0] !== openBrace) return new Uint8Array(payload);
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString();
}
