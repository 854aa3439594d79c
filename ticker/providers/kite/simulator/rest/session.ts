import { localTimestamp } from '../../../mock/market/calendar.ts';
import type { Login, Logins } from '../logins.ts';
import { inputError, KiteError, tokenError } from './kite-error.ts';

const exchanges = ['BSE', 'NSE', 'NFO', 'CDS', 'BFO', 'BCD', 'MCX'];

function user(login: Login): Record<string, unknown> {
  return {
    user_id: login.userId,
    user_type: 'individual',
    email: `${login.userId.toLowerCase()}@example.com`,
    user_name: `Simulated user ${login.userId}`,
    user_shortname: login.userId,
    broker: 'ZERODHA',
    exchanges,
    products: ['CNC', 'NRML', 'MIS', 'BO', 'CO'],
    order_types: ['MARKET', 'LIMIT', 'SL', 'SL-M'],
    avatar_url: null,
    meta: { demat_consent: 'physical' },
  };
}

/** `data` of `/user/profile`. */
export const profile = user;

/** Where the login page would send the browser: the redirect address with a request token. */
export function loginRedirect(logins: Logins, query: URLSearchParams, callback: string): string {
  const login = logins.find(query.get('api_key') ?? '');
  if (login === undefined) throw inputError('Invalid `api_key`.');
  const target = new URL(callback);
  target.searchParams.set('action', 'login');
  target.searchParams.set('status', 'success');
  target.searchParams.set('request_token', logins.issueRequestToken(login));
  return target.href;
}

/** `data` of `POST /session/token`: a new access token, which ends the one before. */
export function createSession(logins: Logins, form: URLSearchParams, now: number): object {
  const apiKey = form.get('api_key') ?? '';
  if (logins.find(apiKey) === undefined) throw inputError('Invalid `api_key`.');
  const login = logins.exchange(apiKey, form.get('request_token') ?? '', form.get('checksum') ?? '');
  if (login === undefined) throw new KiteError(403, 'TokenException', 'Token is invalid or has expired.');
  return {
    ...user(login),
    api_key: login.apiKey,
    access_token: login.accessToken,
    public_token: `${login.userId}-public`,
    refresh_token: '',
    enctoken: '',
    login_time: localTimestamp(now),
  };
}

/** `data` of `DELETE /session/token`. */
export function endSession(logins: Logins, query: URLSearchParams): boolean {
  const login = logins.authenticate(query.get('api_key') ?? '', query.get('access_token') ?? '');
  if (login === undefined) throw tokenError();
  logins.expire(login);
  return true;
}
