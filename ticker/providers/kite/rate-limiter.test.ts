import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../runtime/virtual-clock.ts';
import { RateLimiter, TokenBucket } from './rate-limiter.ts';

const never = new AbortController().signal;

describe('TokenBucket', () => {
  it('lets through at most the burst and then the rate, in every window', () => {
    const limits = fc.record({ perSecond: fc.integer({ min: 1, max: 50 }), burst: fc.integer({ min: 1, max: 10 }) });
    const gaps = fc.array(fc.integer({ min: 0, max: 2000 }), { maxLength: 60 });
    fc.assert(
      fc.property(limits, gaps, (limit, waits) => {
        const bucket = new TokenBucket(limit);
        const taken: number[] = [];
        let now = 0;
        for (const wait of waits) {
          now += wait;
          const more = bucket.take(now);
          if (more === 0) taken.push(now);
          else expect(more).toBeLessThanOrEqual(1000 / limit.perSecond + 1e-6);
        }
        for (const [first, start] of taken.entries()) {
          for (let last = first; last < taken.length; last++) {
            const most = limit.burst + ((taken[last]! - start) * limit.perSecond) / 1000;
            expect(last - first + 1).toBeLessThanOrEqual(most + 1e-6);
          }
        }
      }),
    );
  });
});

describe('RateLimiter', () => {
  it('lets callers through in order, at the rate', async () => {
    const clock = new VirtualClock();
    const limiter = new RateLimiter('prices', { perSecond: 2, burst: 1 }, 10, clock);
    const passed: string[] = [];
    const calls = ['a', 'b', 'c'].map((name) =>
      limiter.acquire(never).then(() => passed.push(`${name}@${clock.monotonic()}`)),
    );
    await clock.advance(1200);
    await Promise.all(calls);
    expect(passed).toEqual(['a@0', 'b@500', 'c@1000']);
    expect(clock.pending).toBe(0);
  });

  it('refuses one caller more than may wait', async () => {
    const clock = new VirtualClock();
    const limiter = new RateLimiter('prices', { perSecond: 1, burst: 1 }, 1, clock);
    await limiter.acquire(never);
    const waits = limiter.acquire(never);
    await expect(limiter.acquire(never)).rejects.toMatchObject({ code: 'PROVIDER_RATE_LIMITED' });
    await clock.advance(1000);
    await waits;
  });

  it('gives a place up when its caller does, and nobody behind it waits longer', async () => {
    const clock = new VirtualClock();
    const limiter = new RateLimiter('prices', { perSecond: 1, burst: 1 }, 10, clock);
    await limiter.acquire(never);
    const abort = new AbortController();
    const gone = limiter.acquire(abort.signal).catch((error: unknown) => error);
    const next = limiter.acquire(never);
    abort.abort(new Error('stopped'));
    expect(String(await gone)).toBe('Error: stopped');
    expect(limiter.waiting).toBe(1);
    await clock.advance(1000);
    await next;
    expect(clock.monotonic()).toBe(1000);
    await expect(limiter.acquire(abort.signal)).rejects.toThrow('stopped');
  });
});
