import { admit, unknownKind } from './admission.ts';
import { type FieldError, FieldErrors } from './field-error.ts';
import { parsePath } from './field-path.ts';
import { kindDefinition } from './kinds.ts';
import { apiVersion, type KubeObject } from './schema.ts';
import { checkSecret, secretKind } from './secret.ts';
import { isRecord } from './structure.ts';
import { type Position, readDocuments, type YamlDocument } from './yaml-document.ts';

/** One object of a file, as it is written there: without defaults, so that applying it claims only what it says. */
export interface Manifest extends Position {
  readonly object: KubeObject;
  readonly file: string;
}

/** One thing that is wrong with a file. */
export interface ManifestError extends Position {
  readonly file: string;
  /** e.g. `spec.mode`; empty where it is about the document or the file. */
  readonly field: string;
  readonly problem: string;
  readonly remedy?: string;
  /** All of it in one line: `FILE:LINE:COLUMN FIELD: PROBLEM. REMEDY` */
  readonly message: string;
}

export interface Manifests {
  readonly objects: Manifest[];
  readonly errors: ManifestError[];
}

/** The most characters of a file: more than an API server takes of one object. */
export const maxFileLength = 4 * 1024 * 1024;
/** The most documents of a file. */
export const maxDocuments = 1000;

/**
 * Reads the objects of a YAML file: `TickerAccount`s, `InstrumentSet`s and `Secret`s, and `List`s of them. Each
 * document is judged by itself as admission would judge it; those that are good are returned whatever the others are.
 * Never throws for what a file says. No value of a Secret gets into a message.
 *
 * @param text what the file holds
 * @param file its name, for messages
 */
export function parseManifests(text: string, file: string): Manifests {
  const reader = new ManifestReader(file);
  if (text.length > maxFileLength) {
    const problem = `the file has ${text.length} characters, of at most ${maxFileLength}`;
    reader.report({ line: 1, column: 1 }, { path: '', message: problem, remedy: 'Split it into several files.' });
    return reader;
  }
  let documents = 0;
  for (const document of readDocuments(text)) {
    if ('problems' in document) {
      for (const problem of document.problems) {
        reader.report(problem, { path: '', message: `no YAML: ${problem.message}`, remedy: problem.remedy });
      }
    } else if (++documents > maxDocuments) {
      const remedy = 'Split it into several files.';
      reader.report(document.start, { path: '', message: `more than ${maxDocuments} documents in one file`, remedy });
      break;
    } else reader.read(document, document.value, []);
  }
  return reader;
}

class ManifestReader implements Manifests {
  readonly objects: Manifest[] = [];
  readonly errors: ManifestError[] = [];
  readonly #file: string;
  /** Line of each object that was read, by kind, namespace and name. */
  readonly #lines = new Map<string, number>();

  constructor(file: string) {
    this.#file = file;
  }

  report({ line, column }: Position, { path, message, remedy }: FieldError): void {
    const file = this.#file;
    const field = path === '' ? '' : `${path}: `;
    const whole = `${file}:${line}:${column} ${field}${message}${remedy === undefined ? '' : `. ${remedy}`}`;
    this.errors.push({
      ...{ file, line, column, field: path, problem: message, message: whole },
      ...(remedy === undefined ? {} : { remedy }),
    });
  }

  /** @param at where `value` stands in the document: the root, or an item of a List */
  read(document: YamlDocument, value: unknown, at: readonly (string | number)[]): void {
    if (isRecord(value) && value['kind'] === 'List' && Array.isArray(value['items']) && at.length === 0) {
      value['items'].forEach((item, index) => {
        this.read(document, item, ['items', index]);
      });
      return;
    }
    const errors = judge(value);
    const start = document.position(at);
    if (errors.length > 0) {
      for (const error of errors) this.report(document.position([...at, ...parsePath(error.path)]), error);
      return;
    }
    const object = value as KubeObject;
    const { namespace, name } = object.metadata;
    const key = `${object.kind} ${namespace ?? ''}/${name}`;
    const earlier = this.#lines.get(key);
    if (earlier !== undefined) {
      const message = `${object.kind} ${name} is in this file already, at line ${earlier}`;
      this.report(start, { path: 'metadata.name', message, remedy: 'Remove one of the two, or rename it.' });
      return;
    }
    this.#lines.set(key, start.line);
    this.objects.push({ object, file: this.#file, ...start });
  }
}

function judge(value: unknown): readonly FieldError[] {
  const errors = new FieldErrors();
  if (!isRecord(value)) {
    errors.add([], 'is no object', 'Write apiVersion, kind, metadata and spec.');
    return errors.finish();
  }
  const { kind } = value;
  const expected = kind === secretKind ? 'v1' : apiVersion;
  if (typeof kind !== 'string') {
    errors.add(
      ['kind'],
      kind === undefined ? 'is missing' : 'is no text',
      'Write kind: InstrumentSet or another kind.',
    );
    return errors.finish();
  }
  if (kind === secretKind) {
    if (value['apiVersion'] !== expected) errors.add(['apiVersion'], 'is not that of a Secret', 'Write v1.');
    checkSecret(value, errors);
    return errors.finish();
  }
  const definition = kindDefinition(kind);
  if (definition === undefined) {
    errors.add(['kind'], ...unknownKind(kind));
    return errors.finish();
  }
  if (definition.writtenBy !== 'user') {
    errors.add(['kind'], `a ${kind} is written by the operator`, 'Write an InstrumentSet; the operator makes slices.');
    return errors.finish();
  }
  return admit(kind, value).errors;
}
