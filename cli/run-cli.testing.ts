import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** A command line that runs, or ran, as a process of its own. */
export interface CliRun {
  readonly output: () => string;
  readonly interrupt: () => void;
  readonly signal: (name: NodeJS.Signals) => void;
  /** Resolves with the exit status; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Waits until the output (both streams) matches. */
  until(pattern: RegExp, most?: number): Promise<RegExpExecArray>;
}

/** Runs `bin/ticker-operator` with `args`, as a user would. */
export function runCli(...args: string[]): CliRun {
  return run('bin/ticker-operator', args);
}

/** Runs a program from the root of the repository. */
export function run(program: string, args: readonly string[]): CliRun {
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const waiting = new Set<() => void>();
  const take = (chunk: Buffer): void => {
    output += String(chunk);
    for (const look of waiting) look();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return {
    output: () => output,
    interrupt: () => void child.kill('SIGINT'),
    signal: (name) => void child.kill(name),
    ended: new Promise((resolve) => child.once('close', resolve)),
    until: (pattern, most = 15_000) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => finish(() => reject(new Error(`no ${pattern} in:\n${output}`))), most);
        const finish = (end: () => void): void => {
          clearTimeout(late);
          waiting.delete(look);
          end();
        };
        const look = (): void => {
          const found = pattern.exec(output);
          if (found !== null) finish(() => resolve(found));
        };
        waiting.add(look);
        look();
      }),
  };
}
