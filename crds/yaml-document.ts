import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type ScalarTag,
  type Tags,
} from 'yaml';
import type { FieldPath } from './field-path.ts';

/** Where something stands in a file; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Why a document is no YAML. */
export interface YamlProblem extends Position {
  readonly message: string;
  readonly remedy: string;
}

/** One document of a file that parsed. */
export interface YamlDocument {
  readonly value: unknown;
  readonly start: Position;
  /** Where the field of this path stands, or the nearest field above it that is there. */
  position(path: FieldPath): Position;
}

/**
 * The documents of a file, in order; those that are empty are left out. Each is parsed by itself, so that one that is
 * no YAML does not hide the others (`---` at the start of a line always separates, as for kubectl).
 *
 * Plain scalars mean what they mean to kubectl: `off`, `no`, `yes`, `on` are booleans, `010` is octal.
 */
export function* readDocuments(text: string): Generator<YamlDocument | { readonly problems: YamlProblem[] }> {
  for (const { source, firstLine } of split(text)) {
    const lines = new LineCounter();
    const at = (offset: number): Position => {
      const { line, col } = lines.linePos(offset);
      return { line: firstLine + Math.max(line, 1) - 1, column: Math.max(col, 1) };
    };
    const parsed = parseAllDocuments(source, {
      lineCounter: lines,
      prettyErrors: false,
      merge: true,
      customTags: withKubectlTags,
    });
    for (const document of parsed as Document.Parsed[]) {
      if (document.errors.length > 0) {
        yield { problems: document.errors.slice(0, 5).map((error) => problem(at(error.pos[0]), error)) };
        continue;
      }
      const start = at(document.contents?.range?.[0] ?? 0);
      let value: unknown;
      try {
        value = document.toJS();
      } catch (error) {
        // An alias without an anchor, or one that expands without bound.
        const message = error instanceof Error ? error.message : String(error);
        yield { problems: [{ ...start, message, remedy: 'Write the value itself instead of an alias.' }] };
        continue;
      }
      if (value === null || value === undefined) continue;
      yield { value, start, position: (path) => at(offsetOf(document, path)) };
    }
  }
}

function split(text: string): { source: string; firstLine: number }[] {
  const pieces: { source: string; firstLine: number }[] = [];
  let piece: string[] = [];
  let firstLine = 1;
  text.split('\n').forEach((line, index) => {
    if (/^---(\s|$)/.test(line)) {
      pieces.push({ source: piece.join('\n'), firstLine });
      piece = [];
      firstLine = index + 1;
    }
    piece.push(line);
  });
  return [...pieces, { source: piece.join('\n'), firstLine }];
}

/** What kubectl's YAML (1.1) takes for booleans and octal numbers, and YAML 1.2 for texts and decimal ones. */
const kubectlTags: ScalarTag[] = [
  {
    tag: 'tag:yaml.org,2002:bool',
    default: true,
    test: /^(?:y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$/,
    resolve: (text: string) => /^(y|on)/i.test(text),
  },
  {
    tag: 'tag:yaml.org,2002:int',
    default: true,
    test: /^[-+]?0[0-7_]+$/,
    resolve: (text: string) => Number.parseInt(text.replaceAll('_', ''), 8),
  },
  {
    tag: 'tag:yaml.org,2002:int',
    default: true,
    test: /^[-+]?[1-9][0-9]*_[0-9_]*$/,
    resolve: (text: string) => Number(text.replaceAll('_', '')),
  },
];

/** First, so that they win over those of YAML 1.2. */
const withKubectlTags = (tags: Tags): Tags => [...kubectlTags, ...tags];

const remedies: Record<string, string> = {
  TAB_AS_INDENT: 'Indent with spaces.',
  DUPLICATE_KEY: 'Remove one of the two.',
  BAD_INDENT: 'Indent it as deep as the lines that it belongs to, and close every bracket.',
  BLOCK_AS_IMPLICIT_KEY: 'Indent it like its neighbours, or put a value that has `: ` in it in quotes.',
  MISSING_CHAR: 'Close the quote or the bracket, or add the missing character.',
  MULTILINE_IMPLICIT_KEY: 'Indent the lines alike, and put a `:` after each name.',
};

function problem(position: Position, error: { code: string; message: string }): YamlProblem {
  return { ...position, message: error.message, remedy: remedies[error.code] ?? 'Correct the YAML here.' };
}

function offsetOf(document: Document.Parsed, path: FieldPath): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === step);
      if (pair === undefined) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      offset = startOf(node) ?? offset;
    } else return offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}
