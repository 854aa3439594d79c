import { describe, expect, it } from 'vitest';
import { safeText } from './redact.ts';

describe('safeText', () => {
  it('takes credentials out, as they are and as a URL writes them', () => {
    expect(safeText('token a/b+c at ?t=a%2Fb%2Bc', ['a/b+c', ''])).toBe('token [redacted] at ?t=[redacted]');
  });

  it('takes them out before it cuts, so that no half of one is left', () => {
    const text = safeText(`${'x'.repeat(495)}0123456789`, ['0123456789']);
    expect(text).not.toContain('0');
    expect(text.length).toBeLessThanOrEqual(501);
  });

  it('is one line', () => {
    expect(safeText(' a\r\nb\u0000c\u001b[31m ', [])).toBe('a b c [31m');
  });
});
