import { leaves, type ValueNode } from './node.ts';

/**
 * `templates/_checks.tpl`: a template that fails where a value does not have its form, and says what to write. No value is
 * repeated in the message, for it may be a secret at the wrong place.
 */
export function checksTemplate(tree: ValueNode, source: string): string {
  const lines = [
    `{{- /* Generated from ${source}. */ -}}`,
    '{{- define "ticker-operator.checks" -}}',
    missing(Object.keys(tree.properties ?? {})),
    ...leaves(tree).flatMap(({ path, node }) => check(path, node)),
    '{{- end }}',
  ];
  return `${lines.join('\n')}\n`;
}

/** After an upgrade with the values of an older chart, those that it had not are missing. */
function missing(sections: readonly string[]): string {
  const message =
    '%s is missing from the values: upgrade with --reset-then-reuse-values, for --reuse-values leaves new values out';
  const list = sections.map(literal).join(' ');
  return `{{- range list ${list} }}{{ if not (hasKey $.Values .) }}{{ fail (printf ${literal(message)} .) }}{{ end }}{{ end }}`;
}

function check(path: string, { pattern, hint, items }: ValueNode): string[] {
  if (pattern !== undefined) {
    return [
      `{{- if not (regexMatch ${raw(pattern)} (toString .Values.${path})) }}{{ fail ${said(path, hint)} }}{{ end }}`,
    ];
  }
  if (items?.pattern === undefined) return [];
  return [
    `{{- range .Values.${path} }}{{ if not (regexMatch ${raw(items.pattern)} .) }}{{ fail ${said(path, items.hint)} }}{{ end }}{{ end }}`,
  ];
}

function said(path: string, hint: string | undefined): string {
  if (hint === undefined) throw new Error(`${path} has a pattern, and nothing that says what to write instead`);
  return literal(`${path} ${hint}`);
}

function literal(text: string): string {
  return JSON.stringify(text);
}

function raw(pattern: string): string {
  if (pattern.includes('`')) throw new Error(`${pattern}: no template can quote it`);
  return `\`${pattern}\``;
}
