import type { LogLevel } from '../../runtime/log.ts';
import type { ShardLease } from '../../ticker/shard/shard.ts';

/** What the thread that renews a lease is started with. */
export interface LeaseThreadData {
  readonly lease: ShardLease;
  readonly kubeconfig: string | undefined;
  readonly logLevel: LogLevel;
}

/** To the thread. `id` is answered with `done`. */
export type ToLeaseThread =
  | { readonly kind: 'alive'; readonly asked: number }
  | { readonly kind: 'level'; readonly level: LogLevel }
  | { readonly kind: 'annotate'; readonly id: number; readonly key: string; readonly value: string }
  | { readonly kind: 'release'; readonly id: number };

/** From the thread. */
export type FromLeaseThread =
  /** Whether the main loop answers: it sends `alive` back, with the same number. */
  | { readonly kind: 'ask'; readonly asked: number }
  | { readonly kind: 'renewed' }
  | { readonly kind: 'done'; readonly id: number };
