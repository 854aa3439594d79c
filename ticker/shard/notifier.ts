/** Tells listeners that something changed, and lets tasks wait for the next change. */
export class Notifier {
  readonly #listeners = new Set<() => void>();

  notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `listener` at each change; returns what ends that. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves at the next change, or when `signal` is aborted. */
  next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        end();
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const end = this.listen(finish);
      signal.addEventListener('abort', finish, { once: true });
    });
  }
}
