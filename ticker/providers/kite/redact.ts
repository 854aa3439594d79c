/** What stands in the place of a credential. */
export const redacted = '[redacted]';

const longestText = 500;

/**
 * Text that came from outside, fit for a message: credentials taken out (as they are and as a URL writes them), control
 * characters made spaces, and cut to 500 characters.
 */
export function safeText(text: string, secrets: readonly string[]): string {
  let safe = text;
  for (const secret of secrets) {
    if (secret === '') continue;
    safe = safe.replaceAll(secret, redacted).replaceAll(encodeURIComponent(secret), redacted);
  }
  safe = safe.replace(/\p{Cc}+/gu, ' ').trim();
  return safe.length > longestText ? `${safe.slice(0, longestText)}…` : safe;
}
