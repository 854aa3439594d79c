import { expect, test } from 'vitest';
import { updateConditions } from './conditions.ts';

const ready = (status: 'True' | 'False', message: string) => ({ type: 'Ready', status, reason: 'Because', message });

test('the time of transition moves with the status only', () => {
  const first = updateConditions(undefined, [ready('False', 'one')], 1, 1000);
  expect(first.conditions[0]?.lastTransitionTime).toBe('1970-01-01T00:00:01.000Z');
  expect(first.transitions).toHaveLength(1);
  const second = updateConditions(first.conditions, [ready('False', 'two')], 2, 2000);
  expect(second.conditions[0]).toMatchObject({
    lastTransitionTime: '1970-01-01T00:00:01.000Z',
    message: 'two',
    observedGeneration: 2,
  });
  expect(second.transitions).toEqual([]);
  const third = updateConditions(second.conditions, [ready('True', 'three')], 2, 3000);
  expect(third.conditions[0]?.lastTransitionTime).toBe('1970-01-01T00:00:03.000Z');
  expect(third.transitions).toEqual([{ type: 'Ready', from: 'False', to: ready('True', 'three') }]);
});
