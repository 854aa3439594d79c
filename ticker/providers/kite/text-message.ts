/** What the broker says in a text message. */
export type TextMessage =
  | { readonly kind: 'error' | 'message'; readonly text: string }
  /** An order update: sent unasked to every socket of a login, private, and no business of a tick stream. */
  | { readonly kind: 'order' }
  | { readonly kind: 'unreadable' };

/** Reads `{"type":"order"|"error"|"message","data":…}`. Never throws. */
export function parseTextMessage(text: string): TextMessage {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return { kind: 'unreadable' };
  }
  if (typeof message !== 'object' || message === null || !('type' in message)) return { kind: 'unreadable' };
  if (message.type === 'order') return { kind: 'order' };
  if (message.type !== 'error' && message.type !== 'message') return { kind: 'unreadable' };
  const data = 'data' in message ? message.data : '';
  return { kind: message.type, text: typeof data === 'string' ? data : JSON.stringify(data) };
}
