import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { customResourceDefinition } from './crd.ts';
import { kinds } from './kinds.ts';
import { kindReference } from './reference.ts';

const root = join(import.meta.dirname, '..');

/** Version 1.1 is what kubectl reads: there a plain `off` is a boolean, so it is written in quotes. */
const yamlOptions = { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false } as const;

/** What is generated from the schemas: path from the root of the repository → text. */
export function generatedFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const definition of kinds) {
    const yaml = stringify(customResourceDefinition(definition), yamlOptions);
    const text = `# Generated from crds/*.ts by \`node crds/generate.ts\`.\n${yaml}`;
    files.set(`crds/${definition.plural}.yaml`, text);
    // A chart can read what lies in its own folder only.
    files.set(`helm/ticker-operator/files/crds/${definition.plural}.yaml`, text);
    files.set(`docs/reference/${definition.singular}.md`, kindReference(definition));
  }
  return files;
}

/** Paths of generated files that are not as they should be. */
export function staleFiles(): string[] {
  return [...generatedFiles()].filter(([path, text]) => read(path) !== text).map(([path]) => path);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function main(): void {
  const stale = staleFiles();
  if (process.argv.includes('--check')) {
    for (const path of stale) console.error(`${path} is stale; run \`node crds/generate.ts\``);
    if (stale.length > 0) process.exitCode = 1;
    return;
  }
  const files = generatedFiles();
  for (const path of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), files.get(path) ?? '');
    console.log(`wrote ${path}`);
  }
}

if (import.meta.main) main();
