import { expect, test } from 'vitest';
import { erfc, erfcx } from './erf.ts';
import { cumulative, roughQuantile } from './normal.ts';

/** mpmath at 50 digits. */
const references: [x: number, erfc: number, erfcx: number][] = [
  [-5, 1.9999999999984626, 144009798674.66104],
  [-2.5, 1.999593047982555, 1035.814842972623],
  [-0.46875, 1.492613473217938, 1.859402416871422],
  [-0.1, 1.1124629160182848, 1.1236433541992095],
  [0.0, 1.0, 1.0],
  [1e-8, 0.9999999887162083, 0.9999999887162084],
  [0.3, 0.6713732405408726, 0.7345993345676551],
  [0.46875, 0.507386526782062, 0.6320696892495561],
  [0.5, 0.4795001221869535, 0.6156903441929259],
  [1.0, 0.15729920705028513, 0.427583576155807],
  [2.0, 0.004677734981047266, 0.25539567631050575],
  [3.999, 1.5544749490994993e-8, 0.13703184859827122],
  [4.0, 1.541725790028002e-8, 0.13699945762506138],
  [4.5, 1.9661604415428876e-10, 0.12248480427384142],
  [8.0, 1.1224297172982926e-29, 0.06998516620088092],
  [20.0, 5.395865611607901e-176, 0.02817434874105132],
  [26.0, 5.663192408856143e-296, 0.021683584850562907],
];

test.each(references)('erfc and erfcx of %d', (x, complementary, scaled) => {
  expect(Math.abs(erfc(x) / complementary - 1)).toBeLessThan(2e-14);
  expect(Math.abs(erfcx(x) / scaled - 1)).toBeLessThan(4e-15);
});

test('both are continuous where the approximations meet', () => {
  for (const x of [0.46875, -0.46875, 4, 6.71e7]) {
    const next = x * (1 + 2 ** -50);
    expect(Math.abs(erfcx(x) / erfcx(next) - 1)).toBeLessThan(1e-14);
  }
});

test('the rough quantile is within its stated error', () => {
  for (let z = -37; z < 6; z += 0.1) expect(Math.abs(roughQuantile(cumulative(z)) - z)).toBeLessThan(4.6e-4);
});
