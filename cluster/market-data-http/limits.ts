/** Bounds of market data between shard and operator. */

/** Rows of one instrument master; the largest that is known (all segments of India's exchanges) has 200,000. */
export const maxInstruments = 2_000_000;
/** Bytes of one row, or of the head. */
export const maxLineBytes = 16 * 1024;
/** Bytes of an answer to a question for prices, or of an error. */
export const maxAnswerBytes = 4 * 1024 * 1024;
/** Milliseconds of silence after which an answer counts as broken off. */
export const idleTimeout = 15_000;
/** Rows that are written at once: other work gets its turn in between. */
export const rowsPerChunk = 1_000;
/** Questions that a shard answers at once; one more is told to come back. */
export const maxQuestions = 16;
