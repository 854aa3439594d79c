import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import type { KubeObject } from '../crds/index.ts';

const root = join(import.meta.dirname, '..');
/** What `scripts/setup helm` fills. */
const cache =
  process.env['E2E_CACHE'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ticker-operator', 'e2e');

export const chart = join(root, 'helm', 'ticker-operator');
/** CustomResourceDefinitions of others: one folder for each project. */
export const definitions = join(cache, 'definitions');

/** Values of the chart, as a file of a user would have them. */
export type UserValues = Readonly<Record<string, unknown>>;

/**
 * Runs helm and gives back what it printed. Rejects with what it wrote to standard error.
 * @param kubeconfig of a cluster; none is reached without
 */
export async function helm(args: readonly string[], input = '', kubeconfig = '/dev/null'): Promise<string> {
  const program = join(cache, 'bin', 'helm');
  await access(program).catch(() => {
    throw new Error("helm is missing: run 'scripts/setup helm'");
  });
  // Of the environment only what a program needs to be found: no kubeconfig of the machine.
  const env = { PATH: process.env['PATH'] ?? '', HOME: cache, KUBECONFIG: kubeconfig };
  const started = promisify(execFile)(program, [...args], { env, maxBuffer: 64 * 1024 * 1024 });
  started.child.stdin?.on('error', () => undefined).end(input);
  try {
    return (await started).stdout;
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new Error(stderr.trim() || message);
  }
}

/** YAML as helm and Kubernetes read it: a plain `yes` is a boolean there. */
export function toYaml(values: UserValues): string {
  return stringify(values, { version: '1.1' });
}

export interface RenderOptions {
  readonly release?: string;
  readonly namespace?: string;
  /** Templates to render, e.g. `rbac.yaml`; all where none is named. */
  readonly only?: readonly string[];
  /** Render what an upgrade would say. */
  readonly upgrade?: boolean;
}

/** Objects as `helm install` would write them. */
export async function render(values: UserValues, options: RenderOptions = {}): Promise<KubeObject[]> {
  const { release = 'ticker', namespace = 'ticks', only = [], upgrade = false } = options;
  const args = ['template', release, chart, '--namespace', namespace, '--values', '-'];
  if (upgrade) args.push('--is-upgrade');
  args.push(...only.flatMap((file) => ['--show-only', `templates/${file}`]));
  const text = await helm(args, toYaml(values));
  return parseAllDocuments(text, { version: '1.1' })
    .map((document) => document.toJSON() as KubeObject | null)
    .filter((object) => object !== null);
}
