import type { z } from 'zod';
import type { FieldErrors } from './field-error.ts';
import type { FieldPath } from './field-path.ts';
import { nearest } from './nearest.ts';

/** Names what zod found, in the words of somebody who writes YAML. */
export function addIssues(
  issues: readonly z.core.$ZodIssue[],
  root: unknown,
  prefix: FieldPath,
  errors: FieldErrors,
): void {
  for (const issue of onePerPath(issues)) {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    const at = [...prefix, ...path];
    const value = valueAt(root, path);
    if (value === undefined && issue.code === 'invalid_type') errors.add(at, 'is missing', `Write ${wanted(issue)}.`);
    // Somebody may have put a login where its Secret's name belongs.
    else errors.add(at, ...explain(issue, at.includes('credentials') ? hidden(value) : value));
  }
}

type Issue = z.core.$ZodIssue;

/** Of what is wrong with one field, the one thing that helps most: its form, unless it is empty or too long. */
function onePerPath(issues: readonly Issue[]): Issue[] {
  const chosen = new Map<string, Issue>();
  for (const issue of issues) {
    const key = JSON.stringify(issue.path);
    const earlier = chosen.get(key);
    const short = earlier?.code === 'too_small' && earlier.minimum !== 1;
    if (earlier === undefined || (short && issue.code === 'invalid_format')) chosen.set(key, issue);
  }
  return [...chosen.values()];
}

function explain(issue: Issue, value: unknown): [message: string, remedy?: string] {
  switch (issue.code) {
    case 'invalid_type':
      return [`is ${kindOf(value)}`, `Write ${wanted(issue)}.`];
    case 'invalid_value': {
      const values = issue.values.map(String);
      const near = typeof value === 'string' ? nearest(value, values) : undefined;
      if (typeof value === 'boolean' && values.includes('off')) {
        return [`is ${value}, as which YAML reads on, off, yes and no`, 'Put the word in quotes, e.g. "off".'];
      }
      if (value === undefined) return ['is missing', `Write one of ${values.join(', ')}.`];
      return [`${shown(value)} is not one of ${values.join(', ')}`, `Write ${near ?? `one of ${values.join(', ')}`}.`];
    }
    case 'too_small':
      return tooSmall(issue, value);
    case 'too_big':
      return tooBig(issue, value);
    case 'invalid_format':
      return [`${shown(value)} ${formatText(issue)}`];
    case 'invalid_key':
      return [issue.issues[0]?.message ?? 'is no key that can be used here'];
    default:
      return [issue.message];
  }
}

const units: Record<string, string> = { string: 'characters', array: 'entries' };

function tooSmall(issue: Extract<Issue, { code: 'too_small' }>, value: unknown): [string, string] {
  const least = `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
  const unit = units[issue.origin];
  if (unit !== undefined) {
    if (issue.minimum === 1) return ['is empty', 'Write a value, or leave the field out.'];
    return ['is too short', `Write ${least} ${unit}.`];
  }
  return [`${shown(value)} is too small`, `Write ${least}.`];
}

function tooBig(issue: Extract<Issue, { code: 'too_big' }>, value: unknown): [string, string] {
  const most = `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`;
  const unit = units[issue.origin];
  if (unit !== undefined) {
    const length = typeof value === 'string' || Array.isArray(value) ? value.length : 0;
    return [`has ${length} ${unit}`, `Write ${most}.`];
  }
  return [`${shown(value)} is too large`, `Write ${most}.`];
}

function formatText(issue: Extract<Issue, { code: 'invalid_format' }>): string {
  if (issue.format === 'date') return 'is no calendar date such as 2026-12-31';
  if (issue.format === 'datetime') return 'is no time such as 2026-12-31T09:15:00Z';
  // A pattern has a message of its own (schema.ts); zod's says no more than the pattern.
  return issue.message;
}

const names: Record<string, string> = {
  string: 'a text (in quotes where YAML takes it for something else)',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of fields',
  record: 'a mapping',
};

function wanted(issue: Extract<Issue, { code: 'invalid_type' }>): string {
  return names[issue.expected] ?? issue.expected;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return shown(value);
}

function hidden(value: unknown): unknown {
  return typeof value === 'string' ? '…' : value;
}

/** Never the whole of a long value, nor a login or query of an address. */
function shown(value: unknown): string {
  const text = (JSON.stringify(value) ?? 'nothing').replace(/\/\/[^/@\s"]*@/g, '//…@').replace(/[?#].*$/, '…"');
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function valueAt(root: unknown, path: FieldPath): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}
