/** What has to go with a run that is ended early: servers of others, which would stay, and folders. */
const leftovers = new Set<() => Promise<unknown>>();

/** Is cleaned up by `clean` where the run is ended by a signal. @returns forgets it: it was cleaned up in good order */
export function leaves(clean: () => Promise<unknown>): () => void {
  leftovers.add(clean);
  return () => void leftovers.delete(clean);
}

/** Ends the process on a signal as it would by default, but leaves nothing behind. */
export function cleanUpOnSignals(): void {
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, async () => {
      // Newest first, one after the other: what writes to a folder ends before the folder goes.
      for (const clean of [...leftovers].reverse()) await clean().catch((error: unknown) => console.error(error));
      process.exit(status);
    });
  }
}
