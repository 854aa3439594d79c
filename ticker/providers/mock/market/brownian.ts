import { hashNormal } from './hash.ts';

/** Seconds of one block (194 days): the path returns to 0 at each block's ends, so that prices never drift away. */
const blockSeconds = 2 ** 24;
/** The finest step, 1/16 s; between two steps the path is a straight line. */
const finestSeconds = 2 ** -4;
/** Size of the interval whose ends are remembered, for the usual case that the next instant is near the last. */
const keptSeconds = 2 ** 6;

/**
 * A Brownian path that can be read at any instant, in any order, and is always the same for a seed: a Brownian bridge
 * for each block, refined by Lévy's midpoint displacement with hashed normals.
 */
export class BrownianPath {
  readonly #seed: number;
  #keptBlock = -1;
  #keptStart = 0;
  #keptNode = 0;
  #keptLeft = 0;
  #keptRight = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** @param seconds since the Unix epoch; the variance of a difference is its seconds (within a block, a bridge's) */
  at(seconds: number): number {
    const block = Math.floor(seconds / blockSeconds);
    const offset = seconds - block * blockSeconds;
    let start = 0;
    let size = blockSeconds;
    let node = 1;
    let left = 0;
    let right = 0;
    if (block === this.#keptBlock && offset >= this.#keptStart && offset < this.#keptStart + keptSeconds) {
      start = this.#keptStart;
      size = keptSeconds;
      node = this.#keptNode;
      left = this.#keptLeft;
      right = this.#keptRight;
    }
    while (size > finestSeconds) {
      if (size === keptSeconds) {
        this.#keptBlock = block;
        this.#keptStart = start;
        this.#keptNode = node;
        this.#keptLeft = left;
        this.#keptRight = right;
      }
      const middle = (left + right) / 2 + (Math.sqrt(size) / 2) * hashNormal(this.#seed, block, node);
      size /= 2;
      node *= 2;
      if (offset < start + size) {
        right = middle;
      } else {
        left = middle;
        start += size;
        node += 1;
      }
    }
    return left + (right - left) * ((offset - start) / size);
  }
}
