/**
 * Counter-based randomness: a well-mixed 32-bit number of a key, without state, so that any instant of the simulated
 * market can be computed by itself (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011). The mixer is
 * MurmurHash3's finalizer (Appleby).
 */
export function hash(seed: number, a: number, b = 0): number {
  let h = mix(seed ^ Math.imul(a | 0, 0x9e3779b1));
  h = mix(h ^ Math.imul(b | 0, 0x85ebca77) ^ 0x27d4eb2f);
  return h >>> 0;
}

/** {@link hash} as a number in [0, 1). */
export function hashUniform(seed: number, a: number, b = 0): number {
  return hash(seed, a, b) / 0x1_0000_0000;
}

/** Standard normal, by Box and Muller's transform of two hashes. */
export function hashNormal(seed: number, a: number, b = 0): number {
  const first = hash(seed, a, b);
  const second = mix(first ^ 0x68bc21eb) >>> 0;
  return Math.sqrt(-2 * Math.log((first + 1) / 0x1_0000_0001)) * Math.cos((2 * Math.PI * second) / 0x1_0000_0000);
}

/** A 32-bit number of a text (FNV-1a, then mixed). */
export function hashText(text: string): number {
  let h = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) h = Math.imul(h ^ text.charCodeAt(index), 0x01000193);
  return mix(h) >>> 0;
}

function mix(value: number): number {
  let h = value;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
