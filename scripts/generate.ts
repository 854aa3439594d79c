import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { metricsReference } from '../cli/metrics-reference.ts';
import { errorReference } from '../crds/error-reference.ts';
import { generatedFiles } from '../crds/generate.ts';
import { chartFiles } from '../helm/generate/index.ts';
import { dashboardFiles } from '../monitoring/dashboards/index.ts';
import { ruleFiles } from '../monitoring/rules.ts';
import { configReference } from '../operator/workload/config-reference.ts';
import { errorCatalogue } from '../runtime/errors.ts';
import { logEventReference } from '../runtime/log-events.ts';
import { renderReference } from '../ticker/pipeline/format/reference.ts';

/**
 * Writes everything that is generated: CRD YAML, the chart's values, the pages of `docs/reference/`, Prometheus' rules and
 * Grafana's dashboards. With `--check` it writes nothing and fails where something is stale.
 */
const root = join(import.meta.dirname, '..');

/** Imports every file that defines coded errors, so that the catalogue is whole. */
async function loadErrors(): Promise<void> {
  const files = globSync('{cli,cluster,crds,operator,runtime,ticker}/**/*.ts', { cwd: root });
  for (const file of files.sort()) {
    if (/\.(test|testing|contract)\.ts$/.test(file) || file === 'cli/main.ts') continue;
    if (!/= defineError\(/.test(readFileSync(join(root, file), 'utf8'))) continue;
    await import(join(root, file));
  }
}

/** Path from the root of the repository → text. */
export async function allGeneratedFiles(): Promise<Map<string, string>> {
  await loadErrors();
  const files = new Map([...generatedFiles(), ...chartFiles()]);
  files.set('docs/reference/delivery.md', renderReference());
  files.set('docs/reference/metrics.md', metricsReference());
  files.set('docs/reference/operator-config.md', configReference());
  files.set('docs/reference/errors.md', errorReference(errorCatalogue()));
  files.set('docs/reference/events.md', logEventReference());
  for (const [path, text] of [...ruleFiles(), ...dashboardFiles()]) files.set(path, text);
  return files;
}

/** Paths of generated files that are not as they should be. */
export function stale(files: ReadonlyMap<string, string>): string[] {
  return [...files].filter(([path, text]) => read(path) !== text).map(([path]) => path);
}

function read(path: string): string | undefined {
  const [found] = globSync(path, { cwd: root });
  return found === undefined ? undefined : readFileSync(join(root, found), 'utf8');
}

if (import.meta.main) {
  const files = await allGeneratedFiles();
  for (const path of stale(files)) {
    if (process.argv.includes('--check')) {
      console.error(`${path} is stale; run 'make generate' and commit it`);
      process.exitCode = 1;
      continue;
    }
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), files.get(path) ?? '');
    console.log(`wrote ${path}`);
  }
}
