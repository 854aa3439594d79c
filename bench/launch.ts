/** What the image and bin/ticker-operator start Node with, and so what is measured: options, and environment. */
export const nodeOptions: readonly string[] = ['--max-semi-space-size=4', '--heap-growing-percent=50'];
export const nodeEnvironment: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '1' };
/**
 * What the broker and the subscriber of a run start Node with. Nearly all that they use is memory outside the heap, which
 * only a collection gives back: with a small young generation these are short ones, not whole ones of up to 17 ms, which
 * would be measured as the time to a subscriber.
 */
export const peerOptions: readonly string[] = ['--min-semi-space-size=1', '--max-semi-space-size=1'];
