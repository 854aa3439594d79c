import { expect, test } from 'vitest';
import type { Logger } from '../../runtime/log.ts';
import { silentLogger } from '../../runtime/log.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { createAccountPipeline } from '../pipeline/pipeline.ts';
import { RowConnection, sliceSet, sliceSpec, tenOClock } from '../pipeline/ticks.testing.ts';
import { Packet } from '../tick-columns.ts';
import { BreachLog, breachLogInterval } from './breach-log.ts';

test('what broke rules is said with a few of the rows, and not again before the interval is over', async () => {
  const clock = new VirtualClock();
  const lines: unknown[] = [];
  const log: Logger = Object.assign(Object.create(silentLogger) as Logger, {
    warn: (line: unknown) => void lines.push(line),
  });
  const slice = createAccountPipeline().slice('s');
  slice.configure(
    sliceSpec(
      [sliceSet('a')],
      [{ exchange: 'NSE', mode: 'quote', sets: [0], instruments: [{ token: 1, symbol: 'A' }] }],
    ),
  );
  const connection = new RowConnection();
  const breaches = new BreachLog(clock, log);
  const feed = (prices: readonly number[]): void => {
    const rows = prices.map((lastPrice) => ({ token: 1, packet: Packet.ltp, lastPrice }));
    slice.frame(connection, connection.frameOf(rows), tenOClock);
    breaches.look(slice);
  };
  feed([10, 10.05]);
  expect(lines).toEqual([]);
  feed([-1, -2, -3, -4, -5, -6, -7]);
  expect(lines).toMatchObject([{ event: 'ticks.brokeRules', rules: { priceNotPositive: 7 } }]);
  expect((lines[0] as { sample: unknown[] }).sample).toMatchObject(
    [-3, -4, -5, -6, -7].map((lastPrice) => ({ instrument: 'NSE:A', lastPrice, quarantined: true })),
  );
  feed([-8]);
  await clock.advance(breachLogInterval - 1);
  feed([-9]);
  expect(lines.length).toBe(1);
  await clock.advance(1);
  feed([10]);
  expect(lines[1]).toMatchObject({ rules: { priceNotPositive: 2 } });
});
