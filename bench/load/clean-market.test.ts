import { expect, test } from 'vitest';
import { streamCleanMarket } from './clean-market.ts';

test('a clean market has no false rejects, in any packet, over nights and expiries', { timeout: 120_000 }, () => {
  const { ticks, byPacket, rejected, unknown } = streamCleanMarket(60_000);
  expect(ticks).toBeGreaterThanOrEqual(60_000);
  expect(Object.keys(byPacket).sort()).toEqual(['full', 'indexFull', 'indexQuote', 'ltp', 'quote']);
  expect({ rejected, unknown }).toEqual({ rejected: 0, unknown: 0 });
});
