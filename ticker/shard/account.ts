import type { Cluster } from '../../cluster/cluster.ts';
import type { AccountName } from '../../cluster/market-data.ts';
import type { ShardIdentity, SubscriptionSlice } from '../../crds/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { Supervisor } from '../../runtime/supervisor.ts';
import { emptyBody, stamp } from '../pipeline/format/encoders.ts';
import { createAccountPipeline } from '../pipeline/pipeline.ts';
import type { Provider } from '../providers/provider.ts';
import { AccountSession } from './account-session.ts';
import type { GuardedSink } from './guarded-sink.ts';
import type { ShardLimits } from './limits.ts';
import { SliceRunner } from './slice-runner.ts';
import type { Spool } from './spool/spool.ts';

export interface AccountOptions {
  readonly account: AccountName;
  readonly identity: ShardIdentity;
  readonly cluster: Cluster;
  readonly sink: GuardedSink;
  readonly spool?: Spool;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  readonly supervisor: Supervisor;
  readonly limits: ShardLimits;
  /** Monotonic milliseconds at which the API server answered last. */
  readonly apiAnsweredAt: () => number;
  /** Told the seconds of work on each frame, where they are measured. */
  readonly observeFrame?: (seconds: number) => void;
}

/** One account in a shard: its login, the prices that its slices share, and their runners. */
export class Account {
  readonly session: AccountSession;
  readonly #options: AccountOptions;
  readonly #pipeline = createAccountPipeline();
  readonly #slices = new Set<string>();
  readonly #stops: (() => Promise<void>)[];

  constructor(options: AccountOptions) {
    const { account, identity, supervisor } = options;
    this.#options = options;
    this.session = new AccountSession(options);
    const name = `shard ${identity.shard}: account ${account.namespace}/${account.name}`;
    this.#stops = [
      supervisor.run(`${name}: login`, (signal) => this.session.run(signal)),
      supervisor.run(`${name}: secret`, (signal) => this.session.watchCredentials(signal)),
    ];
  }

  /** A runner for one more slice, not started yet. */
  serve(slice: SubscriptionSlice, finished: () => void): SliceRunner {
    const uid = slice.metadata.uid ?? '';
    this.#slices.add(uid);
    return new SliceRunner({
      ...this.#options,
      slice,
      account: this.session,
      pipeline: this.#pipeline.slice(uid),
      assemble: stamp,
      emptyBody,
      spare: () => this.#spare,
      room: () => this.#slices.size <= (this.session.connectionLimit ?? 0),
      finished,
    });
  }

  /** Forgets a slice whose runner has stopped. True where that was the account's last. */
  release(uid: string): boolean {
    if (!this.#slices.delete(uid)) return false;
    this.#pipeline.remove(uid);
    return this.#slices.size === 0;
  }

  /** Whether the provider allows more connections than this account's slices take. */
  get #spare(): boolean {
    return (this.session.connectionLimit ?? 0) > this.#slices.size;
  }

  /** Last prices in rupees: live where they are streamed, else asked of the provider. */
  async spot(tokens: readonly number[], signal: AbortSignal): Promise<ReadonlyMap<number, number>> {
    const prices = new Map<number, number>();
    const missing: number[] = [];
    for (const token of tokens) {
      const price = this.#pipeline.priceOf(token);
      if (price === undefined) missing.push(token);
      else prices.set(token, price);
    }
    if (missing.length === 0) return prices;
    for (const [token, price] of await this.session.lastPrices(missing, signal)) prices.set(token, price);
    return prices;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#stops.map((stop) => stop()));
  }
}
