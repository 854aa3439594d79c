import { readFileSync } from 'node:fs';
import { parseManifests } from '../crds/manifest.ts';
import { yamlFiles } from './yaml-source.ts';

/** Checks files as admission would; sets the exit status to 1 where there is a problem. */
export function validateCommand(paths: readonly string[]): void {
  const files = yamlFiles(paths);
  let objects = 0;
  let problems = 0;
  for (const file of files) {
    const parsed = parseManifests(readFileSync(file, 'utf8'), file);
    objects += parsed.objects.length;
    problems += parsed.errors.length;
    for (const error of parsed.errors) console.log(error.message);
  }
  console.log(`${files.length} files, ${objects} good objects, ${problems} problems`);
  if (problems > 0) process.exitCode = 1;
}
