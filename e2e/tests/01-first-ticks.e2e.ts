import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { account } from '../failover/accounting.ts';
import { applySamples, clearDesk } from '../lab/desk.ts';
import { kubectl } from '../lab/kubectl.ts';
import { desk, rate } from '../lab/lab.ts';
import { readReport, resetReader } from '../lab/reader.ts';

afterAll(clearDesk);

describe('what a user does first', () => {
  it('kubectl apply, kubectl wait, and a reader pod receives every tick that the broker sends', async () => {
    await applySamples();
    await resetReader();
    await delay(8000);
    const report = await readReport();
    expect(new Set(report.instruments.map(({ set }) => set))).toEqual(
      new Set([`${desk}/equities`, `${desk}/nifty-weekly`]),
    );
    // The strikes of the option chain follow the market, so that some may come and go meanwhile; the shares stay.
    const sets = [`${desk}/equities`];
    const { made, live, untold, gap, stale } = account(report, { rate, margin: 1500, sets });
    expect(made).toBeGreaterThan(10 * rate * 4);
    expect({ live, untold, gap, stale }).toEqual({ live: made, untold: 0, gap: 0, stale: 0 });
  });

  it('kubectl get ta,iset,subs says what a person needs', async () => {
    const text = await kubectl(['get', 'ta,iset,subs', '-n', desk]);
    expect(text).toMatch(/NAME +PROVIDER +READY +REASON +INSTRUMENTS +CAPACITY/);
    expect(text).toMatch(/demo-a +kite +True +Streaming +\d+ +9000/);
    expect(text).toMatch(/NAME +MODE +READY +REASON +REQUESTED +STREAMING/);
    expect(text).toMatch(/equities +quote +True +AllStreaming +10 +10/);
    expect(text).toMatch(/NAME +ACCOUNT +CONNECTION +OWNER +EPOCH +REPORTER +PHASE +SUBSCRIBED/);
    expect(text).toMatch(/demo-a-c0 +demo-a +0 +ticker-\d+ +\d+ +ticker-\d+ +Streaming/);
  });
});
