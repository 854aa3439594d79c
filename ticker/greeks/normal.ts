import { erfc } from './erf.ts';

export const inverseSqrt2 = Math.SQRT1_2;
export const inverseSqrt2Pi = 0.3989422804014327;

/** Standard normal density. */
export function density(z: number): number {
  return inverseSqrt2Pi * Math.exp(-0.5 * z * z);
}

/** Standard normal distribution function. */
export function cumulative(z: number): number {
  return 0.5 * erfc(-z * inverseSqrt2);
}

/**
 * Standard normal quantile to an absolute error below 4.5e-4: a first guess for iterations that refine it.
 * Hastings' approximation, Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), 26.2.23.
 */
export function roughQuantile(p: number): number {
  const tail = p < 0.5 ? p : 1 - p;
  const t = Math.sqrt(-2 * Math.log(tail));
  const z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  return p < 0.5 ? -z : z;
}
