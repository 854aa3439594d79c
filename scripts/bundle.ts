import { cp, glob, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';

/**
 * Writes what an image holds into a folder: a program with its packages as a few files of JavaScript, and beside them the
 * files that it reads. Usage: node scripts/bundle.ts FOLDER [ENTRY.ts], the entry being cli/main.ts where none is named.
 */
const root = join(import.meta.dirname, '..');
const [out, entry = join(root, 'cli', 'main.ts')] = process.argv.slice(2);
if (out === undefined) throw new Error('usage: node scripts/bundle.ts FOLDER [ENTRY.ts]');

/** What is read at run time by `new URL(NAME, import.meta.url)`: it lies beside the bundle as it lies beside its reader. */
const assets = ['ticker/sinks/redis/*.lua', 'ticker/gateway/page'];

/** Says in our sources what a bundler understands, and collects the files that are started as threads. */
function adapt(threads: Set<string>): Plugin {
  return {
    name: 'adapt',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        const contents = source
          // A thread is a bundle of its own.
          .replaceAll(/new URL\('(\.[^']*)\.ts', import\.meta\.url\)/g, (_, name: string) => {
            threads.add(join(dirname(path), `${name}.ts`));
            return `new URL('./${basename(name)}.js', import.meta.url)`;
          })
          // What is required when it is first needed is bundled too, and still evaluated only then.
          .replace('const require = createRequire(import.meta.url);', '');
        return { contents, loader: 'ts' };
      });
    },
  };
}

async function bundle(entries: ReadonlySet<string>): Promise<void> {
  // Also of what was written before the threads were known.
  await rm(join(out ?? '', 'dist'), { recursive: true, force: true });
  const all = new Set(entries);
  await build({
    entryPoints: [...entries],
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    outdir: join(out ?? '', 'dist'),
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    keepNames: true,
    plugins: [adapt(all)],
    // Packages in CommonJS call this `require`.
    banner: { js: "import { createRequire as bundled } from 'node:module'; const require = bundled(import.meta.url);" },
    logLevel: 'warning',
  });
  if (all.size > entries.size) await bundle(all);
}

await bundle(new Set([entry]));
for (const pattern of assets) {
  for await (const path of glob(pattern, { cwd: root })) {
    await cp(join(root, path), join(out, 'dist', basename(path)), { recursive: true });
  }
}
await cp(join(root, 'package.json'), join(out, 'package.json'));
