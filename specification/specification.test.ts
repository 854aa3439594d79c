import { describe, expect, test } from 'vitest';
import { modelOf, models, variants } from './models.ts';
import { checkModel } from './tlc.ts';

const timeout = 900_000;

describe.concurrent('every reachable state is visited, and all holds', () => {
  test.each(models)('$name', { timeout }, async (model) => {
    const { complete, states, broken, output } = await checkModel(model);
    if (!complete || broken !== undefined) expect.fail(output.slice(-4000));
    expect(states).toBeGreaterThan(100);
    process.stdout.write(`specification: ${model.name}: ${states} states\n`);
  });
});

describe.concurrent('each rule is there for something: left out, it gives a counter-example', () => {
  test.each(variants)('$without', { timeout }, async (variant) => {
    const model = modelOf(variant);
    const { broken, output } = await checkModel(model, variant.without);
    const expected = model.invariants.length > 0 ? variant.breaks : 'property';
    expect(broken, output.slice(-2000)).toBe(expected);
  });
});
