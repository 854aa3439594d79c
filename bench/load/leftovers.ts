import { rmSync } from 'node:fs';

/** What has to go with a run that is ended early: servers of others, which would stay, and folders. */
const leftovers = new Set<() => Promise<unknown>>();
const folders = new Set<string>();

/** Is cleaned up by `clean` where the run is ended by a signal. @returns forgets it: it was cleaned up in good order */
export function leaves(clean: () => Promise<unknown>): () => void {
  leftovers.add(clean);
  return () => void leftovers.delete(clean);
}

/** The same of a folder, which goes however the process ends. */
export function leavesFolder(path: string): () => void {
  folders.add(path);
  return () => void folders.delete(path);
}

/** Ends the process on a signal as it would by default, but leaves nothing behind. */
export function cleanUpAtTheEnd(): void {
  let ending = false;
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    // It may come more than once: to this process, and to all of its group.
    process.on(signal, async () => {
      if (ending) return;
      ending = true;
      // Newest first, one after the other: what writes to a folder ends before the folder goes.
      for (const clean of [...leftovers].reverse()) await clean().catch((error: unknown) => console.error(error));
      process.exit(status);
    });
  }
  process.once('exit', () => {
    // A signal to all processes of the run ends those that the run waits for, and so, by an error, the run.
    for (const clean of leftovers) void clean();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
}
