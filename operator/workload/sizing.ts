import type { ShardsConfig } from './config.ts';

/** What the shards have to carry, as planned. */
export interface PlannedLoad {
  /** Of each account, how many instruments it streams. */
  readonly instruments: readonly number[];
}

export type SizingConfig = Pick<ShardsConfig, 'min' | 'max' | 'instrumentsPerShard' | 'accountsPerShard'>;

/** Share of a pod's planned load that must stay free before there is one pod fewer: sizes must not swing. */
const slack = 0.2;

/** Pods that the load needs, within the bounds. Pure. */
export function podsFor(load: PlannedLoad, config: SizingConfig): number {
  return clamp(needed(load, config.instrumentsPerShard, config.accountsPerShard), config);
}

/**
 * Pods that would carry the load with room to spare: what a set of pods may shrink to. Between this and {@link podsFor}
 * nothing changes. Pure.
 */
export function podsAtLeast(load: PlannedLoad, config: SizingConfig): number {
  const { instrumentsPerShard, accountsPerShard } = config;
  const accounts = Math.max(1, Math.floor(accountsPerShard * (1 - slack)));
  return clamp(needed(load, instrumentsPerShard * (1 - slack), accounts), config);
}

/**
 * Pods that hold accounts, each whole, within both limits: first fit, the largest first (never above 11/9 of the least
 * number plus one; Johnson 1973). An account above the limit has a pod for itself.
 */
function needed({ instruments }: PlannedLoad, perPod: number, accountsPerPod: number): number {
  const pods: { instruments: number; accounts: number }[] = [];
  for (const size of [...instruments].sort((a, b) => b - a)) {
    const fits = pods.find((pod) => pod.accounts < accountsPerPod && pod.instruments + size <= perPod);
    if (fits === undefined) pods.push({ instruments: size, accounts: 1 });
    else {
      fits.instruments += size;
      fits.accounts++;
    }
  }
  return pods.length;
}

function clamp(count: number, { min, max }: SizingConfig): number {
  return Math.min(max, Math.max(min, count));
}
