import { isIP } from 'node:net';

/** Who may talk to the gateway from a browser. */
export interface OriginPolicy {
  /** More origins than the gateway's own, e.g. `https://desk.example.com`. */
  readonly allowedOrigins: readonly string[];
  /**
   * The gateway listens on loopback only: then only a loopback name may be asked for, or a page anywhere could reach it
   * by a name of its own that resolves to 127.0.0.1 (DNS rebinding).
   */
  readonly loopbackOnly: boolean;
}

/** Why a request is refused, or undefined. A request without an `Origin` is no page of a browser. */
export function refusal(
  policy: OriginPolicy,
  host: string | undefined,
  origin: string | undefined,
): string | undefined {
  if (policy.loopbackOnly && !isLoopback(hostname(host ?? ''))) {
    return `the gateway listens on loopback and was asked for as '${host ?? ''}'`;
  }
  if (origin === undefined || policy.allowedOrigins.includes(origin)) return undefined;
  const own = URL.canParse(origin) ? new URL(origin).host : '';
  return own !== '' && own === host ? undefined : `origin ${origin} is not allowed`;
}

/** True for `localhost`, 127.0.0.0/8 and `::1`. */
export function isLoopback(name: string): boolean {
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  return isIP(name) === 4 ? name.startsWith('127.') : name === '::1';
}

/** The name in a `Host` header, without port and brackets. */
function hostname(host: string): string {
  const url = `http://${host}`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : '';
}
