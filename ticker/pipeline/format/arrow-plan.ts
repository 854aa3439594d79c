import { depthLevels } from '../../tick-columns.ts';
import type { ArrowLayout } from './arrow-layout.ts';
import { RecordTemplate, schemaMessage } from './arrow-message.ts';
import type { Validity } from './arrow-values.ts';
import type { ArrowType, Column } from './columns.ts';

/** A column with all that encoding it needs, worked out once. */
export interface Prepared {
  readonly column: Column;
  /** Its bit among all columns, as a number. */
  readonly bit: number;
  readonly mask: number;
  readonly type: ArrowType;
  readonly list: boolean;
  /** Of the batch that is being encoded. */
  readonly validity: Validity;
}

/** What batches with the same columns share. */
export interface Plan {
  readonly schema: Buffer;
  readonly record: RecordTemplate;
  readonly present: readonly Prepared[];
  /** How full batches are laid out, by their rows. */
  readonly layouts: Map<number, ArrowLayout>;
}

export function planOf(present: readonly Prepared[]): Plan {
  const lists = present.filter(({ list }) => list).length;
  return {
    schema: schemaMessage(present.map(({ column }) => column)),
    record: new RecordTemplate(present.length + lists, 2 * present.length + lists),
    present,
    layouts: new Map(),
  };
}

const widths: Readonly<Record<ArrowType, number>> = {
  uint16: 2,
  uint32: 4,
  int32: 4,
  int64: 8,
  double: 8,
  bool: 0,
  'timestamp[us, UTC]': 8,
  'dictionary<int32, string>': 4,
  'dictionary<int8, string>': 1,
};

/** Bytes of a validity bitmap. */
export function bitmapBytes(rows: number): number {
  return (rows + 7) >> 3;
}

/** Bytes of a column's values. */
export function valueBytes({ list, type }: Prepared, rows: number): number {
  if (type === 'bool') return bitmapBytes(rows);
  return (list ? rows * depthLevels : rows) * widths[type];
}
