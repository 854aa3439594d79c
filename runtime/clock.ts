/** A timer that was set on a {@link Clock}; cancelling it twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time. Nothing else in the project reads a clock or sets a timer, so that a simulation can put a
 * virtual one in its place.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch, with a fraction. May step backwards. */
  now(): number;
  /** Milliseconds since an arbitrary origin. Never goes back; for durations and deadlines. */
  monotonic(): number;
  /** Calls `fire` once after `delay` milliseconds. The timer does not keep the process alive by itself when `background`. */
  setTimer(delay: number, fire: () => void, options?: { background?: boolean }): Timer;
}

export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  monotonic: () => performance.now(),
  setTimer(delay, fire, options) {
    const handle = setTimeout(fire, delay);
    if (options?.background === true) handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `delay` milliseconds, or as soon as `signal` is aborted; never rejects. */
export function sleep(clock: Clock, delay: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.setTimer(delay, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
