import type { DataType, Field, Schema } from 'apache-arrow';
import { depthLevels } from '../../tick-columns.ts';
import { loadApacheArrow } from './apache-arrow.ts';
import { headerKey, unstampedHeader } from './arrow-stream.ts';
import { type ArrowType, arrowType, type Column } from './columns.ts';

/** Ids of the dictionaries; each batch carries those that it uses. */
export const dictionaries = { symbol: 0, packet: 1 } as const;

function dataType(type: ArrowType): DataType {
  const { arrow } = loadApacheArrow();
  switch (type) {
    case 'uint16':
      return new arrow.Uint16();
    case 'uint32':
      return new arrow.Uint32();
    case 'int32':
      return new arrow.Int32();
    case 'int64':
      return new arrow.Int64();
    case 'double':
      return new arrow.Float64();
    case 'bool':
      return new arrow.Bool();
    case 'timestamp[us, UTC]':
      return new arrow.Timestamp(arrow.TimeUnit.MICROSECOND, 'UTC');
    case 'dictionary<int32, string>':
      return new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32(), dictionaries.symbol);
    case 'dictionary<int8, string>':
      return new arrow.Dictionary(new arrow.Utf8(), new arrow.Int8(), dictionaries.packet);
  }
}

function field(column: Column): Field {
  const { arrow } = loadApacheArrow();
  const { type, list } = arrowType(column);
  const always = column.kind === 'token' || column.kind === 'symbol' || column.kind === 'packet';
  const item = dataType(type);
  const own = list ? new arrow.FixedSizeList(depthLevels, new arrow.Field('item', item, true)) : item;
  return new arrow.Field(column.name, own, !always);
}

/** The schema of a batch that has these columns; its header is blank until the batch is stamped. */
export function schemaOf(columns: readonly Column[]): Schema {
  const { arrow } = loadApacheArrow();
  return new arrow.Schema(columns.map(field), new Map([[headerKey, unstampedHeader]]));
}
