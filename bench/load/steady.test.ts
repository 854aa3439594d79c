import { expect, test } from 'vitest';
import { runSteady, steady } from './steady.ts';

test.each(Object.keys(steady) as (keyof typeof steady)[])(
  '%s: every tick arrives once, by the counts of broker, shard, ledger and readers',
  { timeout: 120_000 },
  async (name) => {
    const { account } = await runSteady(name, 'short');
    const { sent } = account;
    expect(sent).toBeGreaterThanOrEqual(4_000);
    expect(account).toMatchObject({ received: sent, notReceived: 0, invalid: 0, lost: 0, dropped: 0, lostBatches: [] });
    expect(account).toMatchObject({ duplicated: 0, repeated: 0, disputed: 0, pubsubMissed: 0, pubsubDuplicated: 0 });
  },
);
