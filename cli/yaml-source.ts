import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { resources } from '../cluster/resources.ts';
import type { KubeObject } from '../crds/index.ts';
import { parseManifests } from '../crds/manifest.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
import { defineError, describeError, hasCode } from '../runtime/errors.ts';
import { describeChanges } from './object-diff.ts';

export const noSuchFile = defineError(
  'CLI_NO_SUCH_FILE',
  'terminal',
  'Give -f the path of a YAML file or of a folder that holds some.',
);

/** Files read at most. */
const mostFiles = 1000;
/** Milliseconds between looks at the files. */
const pollInterval = 500;

const fieldManager = 'ticker-operator-files';

export interface YamlSourceOptions {
  readonly paths: readonly string[];
  readonly cluster: Cluster;
  readonly clock: Clock;
  /** Shows a line to the person: what was applied, or what is wrong. */
  readonly show: (line: string) => void;
}

interface Applied {
  readonly object: KubeObject;
  readonly file: string;
}

/** Paths of the YAML files that `paths` name; folders are read one level deep, in order of name. */
export function yamlFiles(paths: readonly string[]): string[] {
  const files: string[] = [];
  for (const path of paths) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) throw noSuchFile(`there is no file or folder named ${path}`);
    if (stat.isDirectory()) {
      const names = readdirSync(path).filter((name) => /\.ya?ml$/.test(name));
      files.push(...names.sort().map((name) => join(path, name)));
    } else files.push(path);
  }
  if (files.length > mostFiles)
    throw noSuchFile(`${paths.join(', ')}: ${files.length} files are more than ${mostFiles}`);
  return files;
}

/**
 * Feeds a cluster from YAML files, and again whenever they change: what `kubectl apply` and `kubectl delete` would do.
 * A file that cannot be read or parsed changes nothing of what it held before; a document that is refused is told and
 * the others are applied.
 */
export class YamlSource {
  readonly #options: YamlSourceOptions;
  readonly #applied = new Map<string, Applied>();
  #fingerprint = '';

  constructor(options: YamlSourceOptions) {
    this.#options = options;
  }

  /** Objects that are applied now. */
  get size(): number {
    return this.#applied.size;
  }

  /** Reads and applies everything. Returns how many problems there were. */
  async load(): Promise<number> {
    const { cluster, show } = this.#options;
    const files = yamlFiles(this.#options.paths);
    this.#fingerprint = fingerprint(files);
    const seen = new Set<string>();
    let problems = 0;
    for (const file of files) {
      const shown = relative('.', file);
      const parsed = parseManifests(readFileSync(file, 'utf8'), shown);
      for (const error of parsed.errors) {
        problems++;
        show(`error: ${error.message}`);
      }
      // What a broken file held before stays as it was.
      if (parsed.errors.length > 0) for (const [key, entry] of this.#applied) if (entry.file === file) seen.add(key);
      for (const { object, line } of parsed.objects) {
        const namespaced = withNamespace(object);
        const key = keyOf(namespaced);
        if (seen.has(key) && this.#applied.get(key)?.file !== file) {
          problems++;
          show(`error: ${shown}:${line}: ${key} is in another file already; remove one of the two`);
          continue;
        }
        seen.add(key);
        try {
          await this.#apply(key, namespaced, file);
        } catch (error) {
          problems++;
          show(`error: ${shown}:${line}: ${key}: ${describeError(error)}`);
        }
      }
    }
    for (const [key, { object }] of [...this.#applied].reverse()) {
      if (seen.has(key)) continue;
      this.#applied.delete(key);
      try {
        await cluster.delete(resourceOf(object), object.metadata);
      } catch (error) {
        if (!hasCode(error, 'CLUSTER_NOT_FOUND')) throw error;
      }
      show(`deleted ${key}`);
    }
    return problems;
  }

  /** Looks at the files until `signal` is aborted, and loads them again when one changed, came or went. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#options.clock, pollInterval, signal);
      if (signal.aborted) return;
      const files = yamlFiles(this.#options.paths);
      if (fingerprint(files) !== this.#fingerprint) await this.load();
    }
  }

  async #apply(key: string, object: KubeObject, file: string): Promise<void> {
    const { cluster, show } = this.#options;
    const before = this.#applied.get(key);
    const changes = before === undefined ? [] : describeChanges(before.object, object);
    if (before !== undefined && changes.length === 0) {
      this.#applied.set(key, { object, file });
      return;
    }
    await cluster.apply(resourceOf(object), object, { fieldManager, force: true });
    this.#applied.set(key, { object, file });
    if (before === undefined) show(`applied ${key}`);
    else {
      show(`changed ${key}`);
      // Values of a Secret are not shown.
      if (object.kind !== 'Secret') for (const change of changes) show(`  ${change}`);
    }
  }
}

function resourceOf(object: KubeObject) {
  const found = resources.find((resource) => resource.kind === object.kind);
  if (found === undefined) throw new Error(`no resource of kind ${object.kind}`);
  return found;
}

function withNamespace(object: KubeObject): KubeObject {
  return { ...object, metadata: { ...object.metadata, namespace: object.metadata.namespace ?? 'default' } };
}

function keyOf(object: KubeObject): string {
  return `${object.kind} ${object.metadata.namespace}/${object.metadata.name}`;
}

function fingerprint(files: readonly string[]): string {
  return files
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return `${file} ${stat?.mtimeMs} ${stat?.size}`;
    })
    .join('\n');
}
