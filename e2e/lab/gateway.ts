import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { eventually } from './command.ts';
import { system } from './lab.ts';

const batch = z.looseObject({ slice: z.string(), count: z.int() });

/** Reads one set from one gateway pod, over WebSocket through a forwarded port. */
export class GatewayReader implements AsyncDisposable {
  readonly #forward: ChildProcess;
  readonly #socket: WebSocket;
  /** Slices that sent ticks since it was last asked. */
  readonly #heard = new Set<string>();

  private constructor(forward: ChildProcess, socket: WebSocket) {
    this.#forward = forward;
    this.#socket = socket;
    socket.on('message', (data, isBinary) => {
      const parsed = isBinary ? undefined : batch.safeParse(JSON.parse(String(data))).data;
      if (parsed !== undefined && parsed.count > 0) this.#heard.add(parsed.slice);
    });
  }

  static async start(pod: string, set: string): Promise<GatewayReader> {
    const forward = spawn('kubectl', ['port-forward', '-n', system, `pod/${pod}`, ':8080'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(forward.stdout), 'line')) as [string];
    const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/stream?set=${encodeURIComponent(set)}`);
    const reader = new GatewayReader(forward, socket);
    await once(socket, 'open');
    return reader;
  }

  /** Waits until ticks of each of these slices have come from now on, without a new connection. */
  async hearsAll(slices: ReadonlySet<string>): Promise<void> {
    this.#heard.clear();
    await eventually(`ticks of ${[...slices].join(', ')}`, async () => {
      if (this.#socket.readyState !== WebSocket.OPEN) throw new Error('the gateway closed the stream');
      return [...slices].every((each) => this.#heard.has(each)) ? true : undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
    this.#forward.kill();
    await once(this.#forward, 'exit');
  }
}
