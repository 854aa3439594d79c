import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, systemClock } from '../../runtime/clock.ts';

/** One of this project's processes, as a pod's container would run it. */
export class LabProcess {
  readonly name: string;
  readonly uid: string;
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;
  #output = '';

  constructor(name: string, uid: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.name = name;
    this.uid = uid;
    const program = join(import.meta.dirname, '../../bin/ticker-operator');
    // Of the environment only what a program needs to be found: no kubeconfig of the machine.
    const base = { PATH: process.env['PATH'] ?? '', HOME: tmpdir() };
    const child = spawn(program, args, { env: { ...base, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text) => {
        this.#output += String(text);
      });
    }
    const killed = (): void => void child.kill('SIGKILL');
    process.once('exit', killed);
    this.ended = once(child, 'close').then(([status]) => {
      process.off('exit', killed);
      return status as number | null;
    });
  }

  get output(): string {
    return this.#output;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }

  /** Waits until it has said so; the match is given back. */
  async says(pattern: RegExp, timeout = 60_000): Promise<RegExpExecArray> {
    const deadline = systemClock.monotonic() + timeout;
    while (!pattern.test(this.#output) && this.#child.exitCode === null && systemClock.monotonic() < deadline) {
      await sleep(systemClock, 50);
    }
    const found = pattern.exec(this.#output);
    if (found === null) throw new Error(`${this.name} did not say ${pattern}:\n${this.#output.slice(-4000)}`);
    return found;
  }

  /** Port of metrics and health. */
  async port(): Promise<number> {
    return Number((await this.says(/"event":"process\.listening".*?"port":(\d+)/))[1]);
  }

  async readiness(): Promise<number> {
    return (await fetch(`http://127.0.0.1:${await this.port()}/readyz`)).status;
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${await this.port()}/metrics`)).text();
  }
}
