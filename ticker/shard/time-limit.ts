import type { Clock } from '../../runtime/clock.ts';

/** Runs `act` with a signal that is aborted with `signal`, or after `limit` milliseconds of `clock`. */
export async function withTimeLimit<T>(
  clock: Clock,
  limit: number,
  signal: AbortSignal,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const timer = clock.setTimer(limit, () => controller.abort());
  try {
    return await act(AbortSignal.any([signal, controller.signal]));
  } finally {
    timer.cancel();
  }
}
