import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextScalingStep, type ScalingInput } from './scaling.ts';
import { podsAtLeast, podsFor } from './sizing.ts';

const config = { min: 1, max: 100, instrumentsPerShard: 9000, accountsPerShard: 3 };

describe('sizing', () => {
  test.each([
    [[], 1],
    [[9000], 1],
    [[4500, 4500], 1],
    [[4500, 4501], 2],
    [[0, 0, 0, 0], 2],
    [[20_000], 1],
  ])('%j instruments want %i pods', (instruments, pods) => {
    expect(podsFor({ instruments }, config)).toBe(pods);
  });

  test('bounds hold, every pod fits, and more load never wants fewer pods', () => {
    const loads = fc.array(fc.integer({ min: 0, max: 12_000 }), { maxLength: 60 });
    fc.assert(
      fc.property(loads, fc.integer({ min: 1, max: 9000 }), (instruments, more) => {
        const pods = podsFor({ instruments }, config);
        expect(pods).toBeGreaterThanOrEqual(config.min);
        expect(pods).toBeLessThanOrEqual(config.max);
        expect(pods * config.accountsPerShard).toBeGreaterThanOrEqual(Math.min(instruments.length, 300));
        const capped = instruments.reduce((sum, each) => sum + Math.min(each, config.instrumentsPerShard), 0);
        expect(pods * config.instrumentsPerShard).toBeGreaterThanOrEqual(capped);
        expect(podsAtLeast({ instruments }, config)).toBeGreaterThanOrEqual(pods);
        expect(podsFor({ instruments: [...instruments, more, 0, 0, 0] }, config)).toBeGreaterThanOrEqual(pods);
      }),
    );
  });

  test('sizes do not swing: what was grown to is not shrunk from at the same load', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9000 }), { maxLength: 40 }), (instruments) => {
        expect(podsAtLeast({ instruments }, config)).toBeGreaterThanOrEqual(podsFor({ instruments }, config));
      }),
    );
  });
});

describe('scaling', () => {
  const input: ScalingInput = {
    replicas: 3,
    leaving: undefined,
    leavingSince: 0,
    load: { instruments: [100] },
    config: { ...config, scaleDownAfterSeconds: 600, leaveSeconds: 300 },
    idleSince: 0,
    empty: false,
    rollingOut: false,
    now: 600_000,
  };

  test('up at once, whatever leaves', () => {
    const load = { instruments: [9000, 9000, 9000, 9000] };
    expect(nextScalingStep({ ...input, load, leaving: 2 })).toMatchObject({ replicas: 4, leaving: undefined });
  });

  test('down only after a while, and only after the last pod was told to leave and is empty', () => {
    expect(nextScalingStep({ ...input, now: 599_999 })).toEqual({ replicas: 3, leaving: undefined });
    expect(nextScalingStep(input)).toMatchObject({ replicas: 3, leaving: 2, event: { reason: 'Leaving' } });
    const leaving = { ...input, leaving: 2, leavingSince: 600_000 };
    expect(nextScalingStep(leaving)).toEqual({ replicas: 3, leaving: 2 });
    expect(nextScalingStep({ ...leaving, empty: true })).toMatchObject({ replicas: 2, leaving: undefined });
    expect(nextScalingStep({ ...leaving, now: 900_001 })).toMatchObject({
      replicas: 2,
      event: { reason: 'ScaledDown' },
    });
  });

  test('a pod that was to leave stays when load comes back, and waits while a template is rolled out', () => {
    const busy = { instruments: [8000, 8000, 8000] };
    expect(nextScalingStep({ ...input, leaving: 2, load: busy })).toEqual({ replicas: 3, leaving: undefined });
    expect(nextScalingStep({ ...input, leaving: 2, empty: true, rollingOut: true })).toEqual({
      replicas: 3,
      leaving: 2,
    });
  });

  test('a lower bound above is not waited for', () => {
    const lower = { ...input.config, max: 2 };
    expect(nextScalingStep({ ...input, config: lower, idleSince: undefined })).toMatchObject({ leaving: 2 });
  });
});
