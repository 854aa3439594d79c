/** Something that happens to a cluster while ticks flow. */
export interface Case {
  readonly name: string;
  /**
   * Longest gap that is asked for, milliseconds; `none`: not above the longest of an undisturbed run; `told`: as long as
   * it is, if only it is told.
   */
  readonly goal: number | 'none' | 'told';
  /** It needs nodes that are containers of ours. */
  readonly breaksNodes: boolean;
  /** What must be there before ticks are counted; gives back what takes it away again, where that is needed. */
  readonly prepare?: () => Promise<(() => Promise<void>) | undefined>;
  /**
   * Resolves when it is over; that everything has recovered is waited for afterwards. Rejects where what was to happen did
   * not, or the cluster answered it in another way than it should.
   */
  readonly happen: () => Promise<void>;
}

/** Goals, milliseconds. */
export const planned = 250;
export const crash = 3000;
export const nodeLoss = 6000;
/** Milliseconds of a pause that outlasts a lease of 3 s. */
export const pastLease = 8000;
/** Milliseconds that a node stays dead: others have taken its slices over by then, and it comes back to that. */
export const nodeAway = 15_000;

/** A slice of the first account; the cases are about its owner. */
export const slice = 'demo-a-c0';
