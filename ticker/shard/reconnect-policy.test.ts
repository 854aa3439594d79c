import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../runtime/random.ts';
import { connectionLimit, connectionLost, credentialsRefused } from '../providers/errors.ts';
import { ReconnectPolicy } from './reconnect-policy.ts';

function policy(): ReconnectPolicy {
  return new ReconnectPolicy({ healthyAfter: 30_000, random: new SeededRandom(1) });
}

describe('reconnect policy', () => {
  test('a lost connection is opened again at once', () => {
    expect(policy().failed(connectionLost('x'), 60_000)).toBeLessThanOrEqual(200);
  });

  test('one that opens and breaks at once is not opened in a tight loop', () => {
    const waits = policy();
    let last = 0;
    for (let i = 0; i < 10; i++) last = waits.failed(connectionLost('x'), 10);
    expect(last).toBeGreaterThan(5_000);
    expect(waits.failed(connectionLost('x'), 60_000)).toBeLessThanOrEqual(200);
  });

  test('a broker that says "too many connections" is left in peace for seconds', () => {
    const waits = policy();
    for (let i = 0; i < 10; i++) expect(waits.failed(connectionLimit('x'), 0)).toBeGreaterThanOrEqual(2_500);
  });

  test('counts refusals in a row, and forgets them when something else happens', () => {
    const waits = policy();
    waits.failed(credentialsRefused('x'), 0);
    waits.failed(credentialsRefused('x'), 0);
    expect(waits.refused).toBe(2);
    waits.failed(connectionLost('x'), 0);
    expect(waits.refused).toBe(0);
  });
});
