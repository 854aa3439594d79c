import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** Milliseconds that a program has to end by itself. */
const patience = 60_000;

/** A program that runs beside a test; it ends with the test's process at the latest. */
export class TestProcess {
  readonly #command: string;
  readonly #args: readonly string[];
  readonly #log: string;
  #child: ChildProcess | undefined;

  /** @param log the file that its output goes to */
  constructor(command: string, args: readonly string[], log: string) {
    this.#command = command;
    this.#args = args;
    this.#log = log;
  }

  async start(): Promise<void> {
    const output = createWriteStream(this.#log, { flags: 'a' });
    await once(output, 'open');
    const child = spawn(this.#command, this.#args, { stdio: ['ignore', output, output] });
    output.close();
    this.#child = child;
    const killed = (): void => void child.kill('SIGKILL');
    process.once('exit', killed);
    child.once('exit', () => process.off('exit', killed));
    await once(child, 'spawn');
  }

  /** Throws with the end of its output where it has ended. */
  async mustRun(): Promise<void> {
    if (this.#child?.exitCode === null && this.#child.signalCode === null) return;
    throw new Error(`it has ended. ${await this.log()}`);
  }

  /** Its name, and the end of its output. */
  async log(): Promise<string> {
    const text = await readFile(this.#log, 'utf8').catch(String);
    return `${this.#command}:\n${text.split('\n').slice(-20).join('\n')}`;
  }

  /** Asks it to end, and waits until it has. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), patience);
    await ended;
    clearTimeout(late);
  }
}
