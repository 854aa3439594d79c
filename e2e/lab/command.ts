import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface RunOptions {
  readonly input?: string;
  /** Milliseconds; default two minutes. */
  readonly timeout?: number;
}

const largestOutput = 256 * 1024 * 1024;

/** Runs a program and gives back what it printed. Rejects with what it wrote to standard error. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { input, timeout = 120_000 } = options;
  const started = promisify(execFile)(program, [...args], { timeout, maxBuffer: largestOutput });
  // A program that does not read its input may be gone before all of it is written.
  started.child.stdin?.on('error', () => undefined).end(input ?? '');
  try {
    return (await started).stdout;
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new Error(`${program} ${args.join(' ')}: ${stderr.trim() || message}`);
  }
}

export interface Patience {
  /** Milliseconds; default two minutes, for machines that are busy. */
  readonly timeout?: number;
  readonly interval?: number;
}

/** Asks until the answer is not undefined; rejects with the last error, or with `what`, when time is up. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  { timeout = 120_000, interval = 250 }: Patience = {},
): Promise<T> {
  const end = performance.now() + timeout;
  let last = 'it never was';
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = String(error);
    }
    if (performance.now() > end) throw new Error(`${what}: not within ${timeout / 1000} s (${last})`);
    await delay(interval);
  }
}
