import { expect, test } from 'vitest';
import { validationRules } from '../../../crds/validation-rules.ts';
import { ruleNames } from './rules.ts';

test('admission knows the very rules that the pipeline has', () => {
  expect([...validationRules]).toEqual([...ruleNames]);
});
