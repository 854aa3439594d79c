import type { Cluster } from '../../cluster/cluster.ts';
import type { AccountName, Instrument, InstrumentMaster } from '../../cluster/market-data.ts';
import type { SubscriptionSliceSpec } from '../../crds/index.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import { CodedError, describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import { credentialsMissing, unknownProvider, unreachable } from '../providers/errors.ts';
import type { Provider, ProviderSession } from '../providers/provider.ts';
import { loginPending } from './errors.ts';
import type { ShardLimits } from './limits.ts';
import { Notifier } from './notifier.ts';
import { ReconnectPolicy } from './reconnect-policy.ts';
import { watchSecret } from './secret-watch.ts';
import { withTimeLimit } from './time-limit.ts';

export type Login = SubscriptionSliceSpec['login'];

export interface AccountSessionOptions {
  readonly account: AccountName;
  readonly cluster: Cluster;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  readonly limits: ShardLimits;
}

/** What is known of a login now. */
export interface AccountState {
  readonly credentials: 'Valid' | 'Refused' | 'Missing' | 'Unknown';
  /** Present while the credentials are valid. */
  readonly session?: ProviderSession;
  /** What is wrong. */
  readonly error?: CodedError;
}

type Credentials = Readonly<Record<string, string>>;

/**
 * One login, shared by every slice of its account in this process. A changed Secret or address opens it anew; credentials
 * that the provider refuses are tried a bounded number of times and then left alone until they change.
 */
export class AccountSession {
  readonly name: string;
  readonly changes = new Notifier();
  /** Logins that failed, by error code. */
  readonly failures = new Map<string, number>();
  readonly #options: AccountSessionOptions;
  #state: AccountState = { credentials: 'Unknown' };
  #login: Login | undefined;
  /** Undefined until the Secret was looked for; null where there is none. */
  #credentials: Credentials | null | undefined;
  /** Counts changes of login or Secret. */
  #version = 0;
  #versionChanged = new Notifier();
  #attempt: AbortController | undefined;
  #master: InstrumentMaster | undefined;
  #byToken: { master: InstrumentMaster; index: Map<number, Instrument> } | undefined;
  #masterLoading: Promise<InstrumentMaster> | undefined;

  constructor(options: AccountSessionOptions) {
    this.#options = options;
    this.name = `${options.account.namespace}/${options.account.name}`;
  }

  get state(): AccountState {
    return this.#state;
  }

  /** Connections that the provider usually allows a login; undefined for an unknown provider. */
  get connectionLimit(): number | undefined {
    return this.#options.providers.get(this.#login?.provider ?? '')?.limits.connections;
  }

  /** The last good instrument master, if any was asked for. */
  get master(): InstrumentMaster | undefined {
    return this.#master;
  }

  /** Takes over how to log in, as the account's slices say it. */
  configure(login: Login): void {
    if (JSON.stringify(login) === JSON.stringify(this.#login)) return;
    const secret = login.credentials?.secretName;
    if (secret !== this.#login?.credentials?.secretName) this.#credentials = undefined;
    if (secret === undefined) this.#credentials = {};
    this.#login = login;
    this.#bump();
  }

  /** A connection was refused for its credentials as often as is allowed: nobody tries again until they change. */
  refuse(session: ProviderSession, error: CodedError): void {
    if (this.#state.session !== session) return;
    this.#set({ credentials: 'Refused', error });
  }

  /** The instrument master, fetched again once it is older than the bound; a failing refresh leaves the last good one. */
  async instruments(signal: AbortSignal): Promise<InstrumentMaster> {
    const { clock, limits, log } = this.#options;
    const known = this.#master;
    if (known !== undefined && clock.now() - known.loadedAt < limits.masterAge) return known;
    this.#masterLoading ??= this.#loadMaster(signal).finally(() => {
      this.#masterLoading = undefined;
    });
    try {
      return await this.#masterLoading;
    } catch (error) {
      if (known === undefined) throw error;
      log.warn(
        { event: 'master.refreshFailed', account: this.name, error: describeError(error) },
        'using the last one',
      );
      return known;
    }
  }

  /** Last prices in rupees, asked of the provider; tokens that it doesn't have are absent. */
  async lastPrices(tokens: readonly number[], signal: AbortSignal): Promise<ReadonlyMap<number, number>> {
    const master = this.#master ?? (await this.instruments(signal));
    if (this.#byToken?.master !== master) {
      this.#byToken = { master, index: new Map(master.instruments.map((each) => [each.token, each])) };
    }
    const { index } = this.#byToken;
    const instruments = tokens.flatMap((token) => index.get(token) ?? []);
    if (instruments.length === 0) return new Map();
    return await this.#session().lastPrices(instruments, signal);
  }

  /** Supervised task: logs in, and again whenever something changes. */
  async run(signal: AbortSignal): Promise<void> {
    let opened: ProviderSession | undefined;
    const abortAttempt = (): void => this.#attempt?.abort();
    signal.addEventListener('abort', abortAttempt);
    try {
      while (!signal.aborted) {
        const version = this.#version;
        this.#attempt = new AbortController();
        const session = await this.#logIn(this.#attempt.signal);
        if (session !== undefined && version !== this.#version) await session.close();
        else if (session !== undefined) {
          // The new login is proven before the old one is let go.
          const former = opened;
          opened = session;
          this.#master = undefined;
          this.#set({ credentials: 'Valid', session });
          await former?.close();
        }
        while (version === this.#version && !signal.aborted) await this.#versionChanged.next(signal);
      }
    } finally {
      signal.removeEventListener('abort', abortAttempt);
      await opened?.close();
    }
  }

  /** Supervised task: follows the Secret that the login names. */
  async watchCredentials(signal: AbortSignal): Promise<void> {
    const { account, cluster, clock, random, log } = this.#options;
    while (!signal.aborted) {
      const secretName = this.#login?.credentials?.secretName;
      const other = new AbortController();
      const watching =
        secretName === undefined
          ? Promise.resolve()
          : watchSecret(
              {
                cluster,
                clock,
                random,
                log,
                name: { namespace: account.namespace, name: secretName },
                changed: (values) => {
                  this.#credentials = values ?? null;
                  this.#bump();
                },
              },
              AbortSignal.any([signal, other.signal]),
            );
      while (this.#login?.credentials?.secretName === secretName && !signal.aborted) {
        await this.#versionChanged.next(signal);
      }
      other.abort();
      await watching;
    }
  }

  #session(): ProviderSession {
    if (this.#state.session !== undefined) return this.#state.session;
    throw this.#state.error ?? loginPending(`account ${this.name}: not logged in yet`);
  }

  async #loadMaster(signal: AbortSignal): Promise<InstrumentMaster> {
    const session = this.#session();
    const master = await session.instruments(signal);
    if (this.#state.session === session) {
      this.#master = master;
      this.changes.notify();
    }
    return master;
  }

  /** Undefined where it is given up, or where something changed meanwhile. */
  async #logIn(signal: AbortSignal): Promise<ProviderSession | undefined> {
    const { clock, random, limits, log } = this.#options;
    const login = this.#login;
    if (login === undefined || this.#credentials === undefined) return undefined;
    let session: ProviderSession;
    try {
      session = this.#open(login);
    } catch (error) {
      this.#count(asCoded(error, `account ${this.name}: logging in failed`));
      this.#failed(error);
      return undefined;
    }
    const policy = new ReconnectPolicy({ healthyAfter: limits.healthyAfter, random, scale: limits.backoffScale });
    while (!signal.aborted) {
      try {
        await withTimeLimit(clock, limits.connectTimeout, signal, (limited) => session.login(limited));
        log.info({ event: 'account.loggedIn', account: this.name }, 'logged in');
        return session;
      } catch (error) {
        if (signal.aborted) break;
        const coded = asCoded(error, `account ${this.name}: logging in failed`);
        this.#count(coded);
        const wait = policy.failed(coded, 0);
        const terminal = coded.persistence === 'terminal' && policy.refused === 0;
        if (terminal || policy.refused >= limits.refusedConnections) {
          this.#failed(coded);
          break;
        }
        this.#set({ ...this.#state, error: coded });
        log.warn({ event: 'account.loginFailed', account: this.name, code: coded.code }, describeError(coded));
        await sleep(clock, wait, signal);
      }
    }
    await session.close();
    return undefined;
  }

  #open(login: Login): ProviderSession {
    const { providers, clock, log, random } = this.#options;
    const provider = providers.get(login.provider);
    if (provider === undefined) {
      const known = [...providers.keys()].join(', ');
      throw unknownProvider(`account ${this.name}: no provider is named ${login.provider}; known are ${known}`);
    }
    if (this.#credentials === null) {
      throw credentialsMissing(
        `account ${this.name}: there is no Secret ${login.credentials?.secretName} in namespace ${this.#options.account.namespace}; it must have ${provider.credentialKeys.join(', ')}`,
      );
    }
    return provider.open({
      credentials: this.#credentials ?? {},
      endpoint: login.endpoint,
      account: this.name,
      clock,
      log: log.child({ account: this.name }),
      random: random.fork(this.name),
    });
  }

  /** Given up until something changes. A login that is still open goes on being used by the connections that it has. */
  #failed(error: unknown): void {
    const coded = asCoded(error, `account ${this.name}: logging in failed`);
    this.#options.log.error(
      { event: 'account.loginRefused', account: this.name, code: coded.code },
      describeError(coded),
    );
    const missing = coded.code === 'PROVIDER_CREDENTIALS_MISSING';
    const refused = coded.code === 'PROVIDER_CREDENTIALS_REFUSED';
    this.#set({ credentials: missing ? 'Missing' : refused ? 'Refused' : 'Unknown', error: coded });
  }

  #count({ code }: CodedError): void {
    this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
  }

  #set(state: AccountState): void {
    this.#state = state;
    this.changes.notify();
  }

  #bump(): void {
    this.#version++;
    this.#attempt?.abort();
    this.#versionChanged.notify();
  }
}

/** Anything that was thrown as a coded error: an unknown one counts as a provider that cannot be reached. */
export function asCoded(error: unknown, message: string): CodedError {
  return error instanceof CodedError ? error : unreachable(message, { cause: error });
}
