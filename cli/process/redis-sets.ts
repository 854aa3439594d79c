import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/log.ts';
import { barsUid, isBarsUid } from '../../ticker/bars/bar-set.ts';
import type { GatewaySet } from '../../ticker/gateway/gateway.ts';
import type { RedisReader } from '../../ticker/sinks/redis/redis-reader.ts';
import type { NamedSet } from '../../ticker/sinks/redis/set-names.ts';

/** The sets that Redis knows of: all that a gateway needs to know of them. */
export class RedisSets {
  readonly #reader: Pick<RedisReader, 'sets'>;
  readonly #clock: Clock;
  readonly #log: Logger;
  #current: readonly GatewaySet[] = [];

  constructor(reader: Pick<RedisReader, 'sets'>, clock: Clock, log: Logger) {
    this.#reader = reader;
    this.#clock = clock;
    this.#log = log;
  }

  /** As last read; while Redis is away the last ones stay. */
  get current(): readonly GatewaySet[] {
    return this.#current;
  }

  /** Rejects with the sink's error. */
  async refresh(): Promise<void> {
    const sets = gatewaySets(await this.#reader.sets(this.#clock.now()));
    if (sets.length !== this.#current.length) this.#log.info({ event: 'sets.changed', sets: sets.length }, 'sets read');
    this.#current = sets;
  }
}

/** A set that was deleted and made anew has two UIDs for a while: the one that was said last is meant. */
export function gatewaySets(named: readonly NamedSet[]): GatewaySet[] {
  const withBars = new Set(named.filter(({ uid }) => isBarsUid(uid)).map(({ uid }) => uid));
  const newest = new Map<string, NamedSet>();
  for (const set of named) {
    if (isBarsUid(set.uid)) continue;
    const key = `${set.namespace}/${set.name}`;
    if ((newest.get(key)?.at ?? Number.NEGATIVE_INFINITY) < set.at) newest.set(key, set);
  }
  return [...newest.values()].map(({ namespace, name, uid, channel }) => ({
    namespace,
    name,
    uid,
    bars: withBars.has(barsUid(uid)),
    ...(channel === undefined ? {} : { channel }),
  }));
}
