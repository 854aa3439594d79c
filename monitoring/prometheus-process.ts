import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { freePort } from '../runtime/free-ports.testing.ts';
import { programPath } from './programs.ts';
import { httpClient, type PrometheusClient } from './prometheus-client.ts';

export interface PrometheusOptions {
  /** As YAML has it: https://prometheus.io/docs/prometheus/latest/configuration/configuration/ */
  readonly config: object;
  /** Blocks that are there already; default an empty folder of its own. */
  readonly storage?: string;
  readonly arguments?: readonly string[];
}

/** A real Prometheus on a free port of the loopback interface. */
export class PrometheusProcess implements AsyncDisposable {
  readonly client: PrometheusClient;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(client: PrometheusClient, folder: string, child: ChildProcess) {
    this.client = client;
    this.#folder = folder;
    this.#child = child;
  }

  static async start(options: PrometheusOptions): Promise<PrometheusProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'ticker-prometheus-'));
    const config = join(folder, 'prometheus.yaml');
    writeFileSync(config, stringify(options.config, { lineWidth: 0 }));
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(
      programPath('prometheus', 'prometheus'),
      [
        `--config.file=${config}`,
        `--web.listen-address=${address}`,
        `--storage.tsdb.path=${options.storage ?? join(folder, 'data')}`,
        '--log.level=warn',
        ...(options.arguments ?? []),
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4096);
    });
    const url = `http://${address}`;
    const started = new PrometheusProcess(httpClient(url), folder, child);
    for (let tries = 0; !(await isReady(url)); tries++) {
      if (child.exitCode !== null || tries > 600) {
        await started[Symbol.asyncDispose]();
        throw new Error(`Prometheus did not start:\n${said}`);
      }
      await delay(100);
    }
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'exit');
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/-/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}
