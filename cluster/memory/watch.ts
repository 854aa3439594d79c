import type { KubeObject } from '../../crds/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { WatchEvent, WatchOptions } from '../cluster.ts';
import { invalid } from '../errors.ts';
import type { EventLog } from './event-log.ts';
import { eventFor } from './selection.ts';

export interface WatchTiming {
  /** Milliseconds between bookmarks. */
  readonly bookmarkInterval: number;
  /** Milliseconds after which the server closes the watch. */
  readonly life: number;
}

/**
 * Changes after a version as they come. The watch has no buffer of its own, it reads the log of its kind: a consumer so
 * slow that the log has forgotten what it needs next gets `CLUSTER_EXPIRED` and has to list again.
 *
 * @param version the cluster's newest version, for bookmarks
 */
export async function* watchLog<T extends KubeObject>(
  log: EventLog,
  version: () => number,
  clock: Clock,
  { bookmarkInterval, life }: WatchTiming,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>, void> {
  const { signal, resourceVersion } = options;
  if (!/^\d+$/.test(resourceVersion)) throw invalid(`watch: ${resourceVersion} is not a resourceVersion`);
  const end = clock.monotonic() + life;
  let bookmarkAt = clock.monotonic() + bookmarkInterval;
  let cursor = Number(resourceVersion);
  while (!signal.aborted && clock.monotonic() < end) {
    const change = log.after(cursor);
    if (change !== undefined) {
      cursor = change.version;
      const event = eventFor<T>(change, options);
      if (event !== undefined) yield event;
    } else if (clock.monotonic() >= bookmarkAt) {
      bookmarkAt = clock.monotonic() + bookmarkInterval;
      cursor = Math.max(cursor, version());
      yield { type: 'BOOKMARK', resourceVersion: String(cursor) };
    } else {
      await nextChange(log, clock, Math.min(bookmarkAt, end), signal);
    }
  }
}

/** Resolves at the next change, at `deadline` (monotonic), or when `signal` is aborted. */
function nextChange(log: EventLog, clock: Clock, deadline: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      timer.cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = log.onNext(finish);
    const timer = clock.setTimer(deadline - clock.monotonic(), finish, { background: true });
    signal.addEventListener('abort', finish, { once: true });
  });
}
