import { createHash } from 'node:crypto';
import type { Random } from '../../../../runtime/random.ts';
import { badLogin } from './errors.ts';

/** A login that the simulated broker accepts. */
export interface LoginOptions {
  readonly apiKey: string;
  /** Default `<apiKey>-secret`. */
  readonly apiSecret?: string;
  /** Default made from the key, e.g. `DEMOA`. */
  readonly userId?: string;
  /** Valid from the start. */
  readonly accessToken: string;
}

export interface Login {
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly userId: string;
  /** `undefined` once it has expired, until somebody logs in again or it is rotated. */
  accessToken: string | undefined;
}

/** The two logins of the samples. */
export const demoLogins: readonly LoginOptions[] = [
  { apiKey: 'demo-a', accessToken: 'demo-token-a' },
  { apiKey: 'demo-b', accessToken: 'demo-token-b' },
];

/** Request tokens not yet exchanged; past it the oldest is forgotten. */
const requestTokenLimit = 64;
const tokenPattern = /^[\w.-]{1,128}$/;

/** Who may log in, with which token now. A login has one valid access token: a new one ends the one before. */
export class Logins {
  readonly #byKey = new Map<string, Login>();
  readonly #requests = new Map<string, Login>();
  readonly #random: Random;

  constructor(logins: readonly LoginOptions[], random: Random) {
    this.#random = random;
    for (const { apiKey, accessToken, apiSecret, userId } of logins) {
      const secret = apiSecret ?? `${apiKey}-secret`;
      if (![apiKey, accessToken, secret].every((text) => tokenPattern.test(text))) {
        throw badLogin(`login number ${this.#byKey.size + 1} has an empty or malformed key, secret or token`);
      }
      if (this.#byKey.has(apiKey)) throw badLogin(`two logins have the same API key`);
      const user = userId ?? apiKey.toUpperCase().replace(/[^A-Z0-9]/g, '');
      this.#byKey.set(apiKey, { apiKey, apiSecret: secret, userId: user, accessToken });
    }
  }

  get all(): Login[] {
    return [...this.#byKey.values()];
  }

  find(apiKey: string): Login | undefined {
    return this.#byKey.get(apiKey);
  }

  /** The login whose token this is now. */
  authenticate(apiKey: string, accessToken: string): Login | undefined {
    const login = this.#byKey.get(apiKey);
    return login?.accessToken !== undefined && login.accessToken === accessToken ? login : undefined;
  }

  /** What the browser login would redirect with: good for one exchange. */
  issueRequestToken(login: Login): string {
    const token = this.#token();
    this.#requests.set(token, login);
    if (this.#requests.size > requestTokenLimit) {
      for (const oldest of this.#requests.keys()) {
        this.#requests.delete(oldest);
        break;
      }
    }
    return token;
  }

  /** Exchanges a request token for a new access token; `checksum` is sha256(apiKey + requestToken + apiSecret) in hex. */
  exchange(apiKey: string, requestToken: string, checksum: string): Login | undefined {
    const login = this.#requests.get(requestToken);
    if (login === undefined || login.apiKey !== apiKey) return undefined;
    const expected = createHash('sha256')
      .update(apiKey + requestToken + login.apiSecret)
      .digest('hex');
    if (checksum !== expected) return undefined;
    this.#requests.delete(requestToken);
    login.accessToken = this.#token();
    return login;
  }

  /** Gives the login another token, a new one unless `token` is given; the old one is refused from now on. */
  rotate(login: Login, token = this.#token()): string {
    if (!tokenPattern.test(token)) throw badLogin('the new token is empty or malformed');
    login.accessToken = token;
    return token;
  }

  expire(login: Login): void {
    login.accessToken = undefined;
  }

  #token(): string {
    let token = '';
    for (let part = 0; part < 4; part++)
      token += this.#random
        .integer(2 ** 32)
        .toString(16)
        .padStart(8, '0');
    return token;
  }
}
