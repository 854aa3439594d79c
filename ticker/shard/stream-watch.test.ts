import { describe, expect, test } from 'vitest';
import { defaultLimits } from './limits.ts';
import { StreamWatch } from './stream-watch.ts';

function ticking(watch: StreamWatch, from: number, to: number, every: number): void {
  for (let now = from; now < to; now += every) {
    watch.heard(now);
    expect(watch.judge(now)).toBe('live');
  }
}

describe('stream watch', () => {
  test('a stream that dies is probed after its usual patience, and is dead when the probe is not answered', () => {
    const watch = new StreamWatch(defaultLimits, 0);
    ticking(watch, 0, 60_000, 100);
    const verdicts: [number, string][] = [];
    for (let now = 60_000; now < 90_000; now += 1000) {
      const verdict = watch.judge(now);
      if (verdict !== 'live') verdicts.push([now, verdict]);
      if (verdict === 'dead') break;
    }
    expect(verdicts).toEqual([
      [70_000, 'probe'],
      [75_000, 'dead'],
    ]);
  });

  test('a market that closes costs a handful of probes a night, and no reconnect', () => {
    const watch = new StreamWatch(defaultLimits, 0);
    ticking(watch, 0, 600_000, 100);
    let probes = 0;
    for (let now = 600_000; now < 600_000 + 18 * 3_600_000; now += 1000) {
      const verdict = watch.judge(now);
      expect(verdict).not.toBe('dead');
      if (verdict !== 'probe') continue;
      probes++;
      watch.heard(now + 50);
    }
    expect(probes).toBeGreaterThan(5);
    expect(probes).toBeLessThan(30);
  });

  test('a connection that stays mute from the start is dead', () => {
    const watch = new StreamWatch(defaultLimits, 0);
    const verdicts: string[] = [];
    for (let now = 0; now < 30_000; now += 1000) {
      const verdict = watch.judge(now);
      if (verdict !== 'live') verdicts.push(verdict);
      if (verdict === 'dead') break;
    }
    expect(verdicts).toEqual(['probe', 'dead']);
  });

  test('when ticks flow again the patience is the usual one', () => {
    const watch = new StreamWatch(defaultLimits, 0);
    ticking(watch, 0, 60_000, 100);
    expect(watch.judge(70_000)).toBe('probe');
    watch.heard(70_100);
    expect(watch.judge(75_000)).toBe('live');
    ticking(watch, 76_000, 80_000, 100);
    expect(watch.flowing(80_000)).toBe(true);
    expect(watch.judge(89_000)).toBe('live');
    expect(watch.judge(90_000)).toBe('probe');
  });
});
