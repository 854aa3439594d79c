/** What a reader needs of a header. */
export interface ReadHeader {
  readonly sliceUid: string;
  readonly epoch: number;
  readonly claim: number;
  readonly seq: number;
  readonly count: number;
  readonly prev?: { readonly epoch: number; readonly claim: number; readonly seq: number } | null;
  readonly gap?: { readonly why: string; readonly ticks?: number };
  readonly overlap?: true;
}

const columnsMark = Buffer.from(',"columns":');

/** The header of a batch of format json, by the text alone. */
export function readHeader(payload: Buffer): ReadHeader {
  return JSON.parse(`${payload.toString('latin1', 0, payload.indexOf(columnsMark))}}`) as ReadHeader;
}

/** One column of integers of a batch; fails where it has not `count` of them. */
export function readColumn(payload: Buffer, name: string, count: number): readonly number[] {
  const mark = `"${name}":[`;
  const start = payload.indexOf(mark);
  const end = payload.indexOf(']', start);
  const values =
    start < 0 ? [] : (JSON.parse(payload.toString('latin1', start + mark.length - 1, end + 1)) as number[]);
  if (values.length !== count) throw new Error(`a batch of ${count} ticks has ${values.length} values of ${name}`);
  return values;
}
