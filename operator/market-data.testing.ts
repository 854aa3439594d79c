import { unavailable } from '../cluster/errors.ts';
import type { InstrumentMaster, MarketData } from '../cluster/market-data.ts';

/** Market data whose answers a test sets; counts what it was asked. */
export class FakeMarketData implements MarketData {
  master: InstrumentMaster | undefined;
  readonly prices = new Map<number, number>();
  readonly asked = { instruments: 0, spot: [] as { shard: string; tokens: readonly number[] }[] };
  failing = false;

  async instruments(): Promise<InstrumentMaster> {
    this.asked.instruments++;
    if (this.failing || this.master === undefined) throw unavailable('the shard is not there');
    return this.master;
  }

  async spot(
    shard: { readonly shard: string },
    _account: unknown,
    tokens: readonly number[],
  ): Promise<ReadonlyMap<number, number>> {
    this.asked.spot.push({ shard: shard.shard, tokens });
    if (this.failing) throw unavailable('the shard is not there');
    return new Map([...this.prices].filter(([token]) => tokens.includes(token)));
  }
}
