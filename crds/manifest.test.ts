import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxDocuments, maxFileLength, parseManifests } from './manifest.ts';

const head = 'apiVersion: ticker-operator.io/v1alpha1\nkind: InstrumentSet\n';
const good = (name: string): string => `${head}metadata:\n  name: ${name}\nspec:\n  instruments: [NSE:INFY]\n`;
const messages = (text: string): string[] => parseManifests(text, 'sets.yaml').errors.map((error) => error.message);

describe('parseManifests', () => {
  it('reads the samples', () => {
    const folder = join(import.meta.dirname, '../samples');
    const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
    const read = files.map((name) => parseManifests(readFileSync(join(folder, name), 'utf8'), name));
    expect(read.flatMap(({ errors }) => errors)).toEqual([]);
    expect(read.flatMap(({ objects }) => objects).map(({ object }) => object.kind)).toContain('TickerAccount');
  });

  it('returns objects as written, with where they stand', () => {
    const { objects, errors } = parseManifests(
      `# a comment\n${good('one')}---\n# another\n${good('two')}`,
      'sets.yaml',
    );
    expect(errors).toEqual([]);
    expect(objects.map(({ object, file, line, column }) => [object.metadata.name, file, line, column])).toEqual([
      ['one', 'sets.yaml', 2, 1],
      ['two', 'sets.yaml', 10, 1],
    ]);
    expect(objects[0]?.object).not.toHaveProperty('spec.mode');
  });

  it('names file, line, column, field and remedy', () => {
    const text = `${good('one')}  optionChains:\n    - underlying: NSE:NIFTY 50\n      strikes: { aroundMoney: 999 }\n`;
    const [error] = parseManifests(text, 'sets.yaml').errors;
    expect(error).toEqual({
      file: 'sets.yaml',
      line: 9,
      column: 18,
      field: 'spec.optionChains[0].strikes.aroundMoney',
      problem: '999 is too large',
      remedy: 'Write at most 200.',
      message: 'sets.yaml:9:18 spec.optionChains[0].strikes.aroundMoney: 999 is too large. Write at most 200.',
    });
  });

  it.each([
    [
      'an unknown field',
      `${good('one')}  instrumnets: []\n`,
      /^sets\.yaml:7:3 spec\.instrumnets: .*did you mean `instruments`/,
    ],
    [
      'a contradiction',
      `${good('one')}  delivery: { pubsub: no, latest: false }\n`,
      /^sets\.yaml:7:3 spec\.delivery: .*turn one/,
    ],
    [
      'a missing name',
      `${head}metadata: {}\nspec:\n  instruments: [NSE:INFY]\n`,
      /^sets\.yaml:3:1 metadata\.name: is missing/,
    ],
    ['no metadata', `${head}spec:\n  instruments: [NSE:INFY]\n`, /^sets\.yaml:1:1 metadata: is missing/],
    [
      'no apiVersion',
      'kind: InstrumentSet\nmetadata: {name: a}\n',
      /apiVersion: is missing\. Write ticker-operator\.io/,
    ],
    [
      'another apiVersion',
      good('one').replace('v1alpha1', 'v1'),
      /^sets\.yaml:1:1 apiVersion: is `ticker-operator\.io\/v1`/,
    ],
    ['no kind', 'apiVersion: v1\nmetadata: {name: a}\n', /kind: is missing/],
    [
      'an unknown kind',
      'apiVersion: v1\nkind: InstrumentSett\n',
      /^sets\.yaml:2:1 kind: .*did you mean `InstrumentSet`/,
    ],
    ['a slice', `${head.replace('InstrumentSet', 'SubscriptionSlice')}`, /written by the operator/],
    ['a text', 'hello\n', /^sets\.yaml:1:1 is no object/],
    ['a tab', 'a:\n\tb: 1\n', /^sets\.yaml:2:1 no YAML: .*Indent with spaces/],
    ['a name twice', 'a: 1\na: 2\n', /^sets\.yaml:2:1 no YAML: .*Remove one of the two/],
    ['an unclosed quote', 'a: "x\n', /no YAML: Missing closing/],
    ['an alias of nothing', 'a: *x\n', /Unresolved alias/],
    ['an object twice', `${good('one')}---\n${good('one')}`, /^sets\.yaml:8:1 metadata\.name: .*already, at line 1/],
    [
      'a plain off',
      `${good('one')}  validation:\n    action: off\n`,
      /^sets\.yaml:8:5 spec\.validation\.action: is false.*in quotes/,
    ],
  ])('tells of %s', (_name, text, expected) => {
    expect(messages(text)).toContainEqual(expect.stringMatching(expected));
  });

  it('keeps good documents beside bad ones, whatever is wrong', () => {
    const bad = ['a: "x', 'a: [1', '- 1', '\ta: 1', 'kind: X', 'a: {', '%YAML 9', 'a: @x', '"'];
    for (const text of bad) {
      const { objects, errors } = parseManifests(`${good('one')}---\n${text}\n---\n${good('two')}`, 'sets.yaml');
      expect(
        objects.map(({ object }) => object.metadata.name),
        text,
      ).toEqual(['one', 'two']);
      expect(errors.length, text).toBeGreaterThan(0);
    }
  });

  it('reads scalars as kubectl does', () => {
    const account = 'apiVersion: ticker-operator.io/v1alpha1\nkind: TickerAccount\nmetadata: {name: a}\nspec:\n';
    const { objects } = parseManifests(
      `${account}  provider: mock\n  suspended: yes\n  limits: {connections: 010}\n`,
      'a.yaml',
    );
    expect(objects[0]?.object).toMatchObject({ spec: { suspended: true, limits: { connections: 8 } } });
  });

  it('takes a List apart', () => {
    const item = good('one').replace(/^/gm, '    ').replace(/^ {4}/, '  - ').trimEnd();
    const { objects, errors } = parseManifests(`apiVersion: v1\nkind: List\nitems:\n${item}\n`, 'list.yaml');
    expect(errors).toEqual([]);
    expect(objects.map(({ object, line }) => [object.metadata.name, line])).toEqual([['one', 4]]);
  });

  it('bounds file and documents', () => {
    expect(messages(' '.repeat(maxFileLength + 1))).toEqual([
      expect.stringMatching(/^sets\.yaml:1:1 the file has .*Split it/),
    ]);
    const many = Array.from({ length: maxDocuments + 2 }, () => 'a: 1\n').join('---\n');
    expect(messages(many).at(-1)).toMatch(/more than 1000 documents/);
  });

  it('refuses an alias that expands without bound', () => {
    const lines = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]`);
    expect(messages(`a0: &a0 [1]\n${lines.join('\n')}\n`)).toEqual([expect.stringMatching(/alias/)]);
  });

  it('never throws, whatever a file says', () => {
    const piece = fc.constantFrom(
      '---\n',
      'a: ',
      '"',
      '[',
      '{',
      '- ',
      '\n',
      '  ',
      '\t',
      '*x',
      '&x ',
      ': ',
      '|',
      good('one'),
      '<<: *x',
      '!!int ',
      '\u0000',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        for (const { line, column } of parseManifests(pieces.join(''), 'x.yaml').errors) {
          expect(line).toBeGreaterThan(0);
          expect(column).toBeGreaterThan(0);
        }
      }),
      { seed: 4, numRuns: 300 },
    );
  });
});

describe('a Secret in a file', () => {
  const secret = (rest: string): string => `apiVersion: v1\nkind: Secret\nmetadata: {name: login}\n${rest}`;

  it('is accepted', () => {
    const { objects, errors } = parseManifests(
      secret('stringData: {apiKey: abc}\ndata: {accessToken: aHVudGVyMg==}\n'),
      'a.yaml',
    );
    expect(errors).toEqual([]);
    expect(objects.length).toBe(1);
  });

  it.each([
    [
      'a number',
      'stringData: {apiKey: 1234567}\n',
      /a\.yaml:4:14 stringData\.apiKey: is no text\. Put the value in quotes/,
    ],
    ['no base64', 'data: {accessToken: hunter2!}\n', /data\.accessToken: is not base64/],
    ['a misspelt field', 'stringdata: {apiKey: hunter2}\n', /unknown field `stringdata`; did you mean `stringData`/],
    ['a list', 'data: [hunter2]\n', /data: is no mapping/],
    ['another apiVersion', 'apiVersion: v2\nstringData: {a: hunter2}\n', /no YAML: Map keys must be unique/],
  ])('is refused for %s, without its value', (_name, rest, expected) => {
    const said = parseManifests(secret(rest), 'a.yaml').errors.map((error) => error.message);
    expect(said).toContainEqual(expect.stringMatching(expected));
    expect(said.join()).not.toMatch(/hunter2|1234567/);
  });
});
