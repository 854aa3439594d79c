/** How far the exchange's clock may be ahead of ours, microseconds. */
export const clockTolerance = 5_000_000;
/** Trade and exchange times are whole seconds of two clocks. */
export const secondsTolerance = 1_000_000;
/** An instrument that did not trade for this long may have begun a new day, in which volume starts again from 0. */
export const sessionBreak = 3 * 3600 * 1_000_000;
/** Share of the scale price beyond which a move between two ticks is a jump: the widest daily circuit band. */
export const jumpShare = 0.2;
/** Averages are rounded to the tick size. */
export const averageTolerance = 0.05;
