import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A page with the policy that lets it run, and nothing else. */
export interface Page {
  readonly html: string;
  readonly contentSecurityPolicy: string;
}

/** Puts the page's style and script into its one file. Nothing is loaded from anywhere else. */
export function loadPage(): Page {
  const read = (name: string): string => readFileSync(new URL(`page/${name}`, import.meta.url), 'utf8');
  const style = read('page.css');
  const script = bundle(['columns.js', 'follow.js', 'arrow.js', 'table.js', 'page.js'].map(read));
  const html = read('index.html')
    .replace('/* style */', () => style)
    .replace('/* script */', () => script);
  const policy = [
    "default-src 'none'",
    `style-src '${hash(style)}'`,
    `script-src '${hash(script)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return { html, contentSecurityPolicy: policy.join('; ') };
}

/** One script of several modules, each after those it imports; their top-level names must differ. */
function bundle(modules: readonly string[]): string {
  const plain = modules.map((text) => text.replaceAll(/^import [^;]*;$/gm, '').replaceAll(/^export /gm, ''));
  return `'use strict';\n{\n${plain.join('\n')}\n}`;
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
