import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, systemClock } from '../runtime/clock.ts';
import { silentLogger } from '../runtime/log.ts';
import { type StandaloneOptions, StandaloneProcess } from './standalone-process.ts';

/** A login of the simulated broker, its Secret and its account, as YAML. */
export function accountYaml(name: string, spec = '', token = 'demo-token-a', key = 'demo-a'): string {
  return `apiVersion: v1
kind: Secret
metadata: { name: ${name} }
stringData: { apiKey: ${key}, accessToken: ${token} }
---
apiVersion: ticker-operator.io/v1alpha1
kind: TickerAccount
metadata: { name: ${name} }
spec:
  provider: kite
  credentials: { secretName: ${name} }
  endpoint: { rest: 'http://kite-simulator:8080', websocket: 'ws://kite-simulator:8080' }
${spec}`;
}

/** A set, with `spec` as it stands in YAML, indented by two. */
export function setYaml(name: string, spec: string): string {
  return `apiVersion: ticker-operator.io/v1alpha1
kind: InstrumentSet
metadata: { name: ${name} }
spec:
${spec}
`;
}

/** A login that works and one that does not, a set of full packets and a chain with Greeks: something of everything. */
export function writeVaried(harness: StandaloneHarness): void {
  harness.write('account.yaml', accountYaml('demo'));
  harness.write('wrong.yaml', accountYaml('wrong', '', 'no-such-token', 'demo-b'));
  const delivery = '  delivery: { window: 20 }';
  harness.write('good.yaml', setYaml('good', `  instruments: [NSE:INFY, NSE:TCS]\n  mode: full\n${delivery}`));
  const chain =
    "  optionChains:\n    - { underlying: 'NSE:NIFTY 50', expiries: { nearest: 1 }, strikes: { aroundMoney: 2 } }";
  harness.write('chain.yaml', setYaml('chain', `${chain}\n  mode: quote\n  greeks: {}\n${delivery}`));
}

/** A folder of YAML files and everything that `standalone` runs on it, in this process. */
export class StandaloneHarness {
  readonly folder = mkdtempSync(join(tmpdir(), 'ticker-operator-'));
  /** What a person would have seen. */
  readonly lines: string[] = [];
  #process: StandaloneProcess | undefined;

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  get process(): StandaloneProcess {
    if (this.#process === undefined) throw new Error('not started');
    return this.#process;
  }

  async start(options: Partial<StandaloneOptions> = {}): Promise<void> {
    this.#process = new StandaloneProcess({
      paths: [this.folder],
      shards: 2,
      host: '127.0.0.1',
      port: 0,
      simulatorPort: 0,
      seed: 1,
      print: false,
      log: silentLogger,
      show: (line) => this.lines.push(line),
      onFatal: (name, error) => this.lines.push(`fatal: ${name}: ${error}`),
      ...options,
    });
    await this.#process.start();
  }

  /** Waits for a line that holds every one of `parts`, among those from number `from` on. */
  async line(parts: readonly string[], from = 0, most = 15_000): Promise<string> {
    const until = systemClock.monotonic() + most;
    for (;;) {
      const found = this.lines.slice(from).find((line) => parts.every((part) => line.includes(part)));
      if (found !== undefined) return found;
      if (systemClock.monotonic() > until) {
        throw new Error(`no line with ${JSON.stringify(parts)} among:\n${this.lines.slice(from).join('\n')}`);
      }
      await sleep(systemClock, 20);
    }
  }

  /** Address of the gateway, once it listens: `http://127.0.0.1:8080`. */
  async gateway(): Promise<string> {
    return (await this.line(['gateway     ', 'http'])).replace('gateway', '').trim().replace(/\/$/, '');
  }

  async stop() {
    const summary = await this.#process?.drain();
    rmSync(this.folder, { recursive: true, force: true });
    return summary;
  }
}
