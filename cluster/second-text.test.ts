import { describe, expect, it } from 'vitest';
import { secondText } from './second-text.ts';

describe('secondText', () => {
  it.each([0, 59, 60, 1_767_585_600, 1_767_585_609, 1_767_585_610, 1_767_585_659, 951_782_399, -1, -60, -61])(
    'writes second %d as Date does',
    (second) => {
      expect(secondText(second)).toBe(new Date(second * 1_000).toISOString().slice(0, 19));
    },
  );
});
