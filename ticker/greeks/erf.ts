/**
 * Complementary error functions by the rational minimax approximations of W. J. Cody, "Rational Chebyshev
 * Approximations for the Error Function", Math. Comp. 23 (1969), 631–637. Relative error about 1e-16 each; the coefficients
 * are the paper's to double precision, highest power first where Horner's scheme reads them so.
 */

/** Up to this, erf has the accurate approximation. */
export const small = 0.46875;
const inverseSqrtPi = 0.5641895835477563;
/** Beyond, `1 / (x √π)` is erfcx to the last bit. */
const asymptotic = 6.71e7;

/** erf(x) for |x| ≤ 0.46875. */
export function erfSmall(x: number): number {
  const y = x * x;
  const above =
    (((0.18577770618460315 * y + 3.1611237438705655) * y + 113.86415415105016) * y + 377.485237685302) * y +
    3209.3775891384694;
  const below = (((y + 23.601290952344122) * y + 244.02463793444417) * y + 1282.6165260773723) * y + 2844.236833439171;
  return (x * above) / below;
}

/** exp(x²) erfc(x) for x > 0.46875. */
export function erfcxLarge(x: number): number {
  if (x <= 4) {
    const above =
      (((((((2.1531153547440383e-8 * x + 0.5641884969886701) * x + 8.883149794388377) * x + 66.11919063714163) * x +
        298.6351381974001) *
        x +
        881.952221241769) *
        x +
        1712.0476126340707) *
        x +
        2051.0783778260716) *
        x +
      1230.3393547979972;
    const below =
      (((((((x + 15.744926110709835) * x + 117.6939508913125) * x + 537.1811018620099) * x + 1621.3895745666903) * x +
        3290.7992357334597) *
        x +
        4362.619090143247) *
        x +
        3439.3676741437216) *
        x +
      1230.3393548037495;
    return above / below;
  }
  if (x > asymptotic) return inverseSqrtPi / x;
  const y = 1 / (x * x);
  const above =
    ((((0.016315387137302097 * y + 0.30532663496123236) * y + 0.36034489994980445) * y + 0.12578172611122926) * y +
      0.016083785148742275) *
      y +
    6.587491615298378e-4;
  const below =
    ((((y + 2.568520192289822) * y + 1.8729528499234604) * y + 0.5279051029514285) * y + 0.06051834131244132) * y +
    2.3352049762686918e-3;
  return (inverseSqrtPi - (y * above) / below) / x;
}

/** 1 − erf(x), accurate in the far tail. */
export function erfc(x: number): number {
  if (Math.abs(x) <= small) return 1 - erfSmall(x);
  if (x > 0) return Math.exp(-x * x) * erfcxLarge(x);
  return 2 - Math.exp(-x * x) * erfcxLarge(-x);
}

/** exp(x²) erfc(x); infinite below about −26.6. */
export function erfcx(x: number): number {
  if (x > small) return erfcxLarge(x);
  if (x >= -small) return Math.exp(x * x) * (1 - erfSmall(x));
  return 2 * Math.exp(x * x) - erfcxLarge(-x);
}
