import { z } from 'zod';

const optional = z.number().nullish();

/** One row of a batch, as far as it is printed. `null` and absent mean that the packet carries none. */
export const printedRow = z.object({
  symbol: z.string(),
  last_price: z.number(),
  close: optional,
  volume: optional,
  iv: optional,
  delta: optional,
  gamma: optional,
  theta: optional,
  vega: optional,
});
export type PrintedRow = z.infer<typeof printedRow>;

const columns = [
  { title: 'time', width: 12 },
  { title: 'instrument', width: -28 },
  { title: 'last', width: 11 },
  { title: 'change', width: 8 },
  { title: 'volume', width: 11 },
  { title: 'iv', width: 7 },
  { title: 'delta', width: 7 },
  { title: 'gamma', width: 9 },
  { title: 'theta', width: 8 },
  { title: 'vega', width: 7 },
] as const;

/** The heading of a table of ticks, for a terminal. */
export function heading(): string {
  return columns.map(({ title, width }) => pad(title, width)).join('  ');
}

/** One line of the table. `time` is shown in UTC, as the batches carry it. */
export function formatRow(row: PrintedRow, timeMicros: number): string {
  const change = row.close ? `${((row.last_price / row.close - 1) * 100).toFixed(2)}%` : '';
  const cells = [
    new Date(timeMicros / 1000).toISOString().slice(11, 23),
    row.symbol,
    row.last_price.toFixed(2),
    change,
    fixed(row.volume, 0),
    row.iv == null ? '' : `${(row.iv * 100).toFixed(1)}%`,
    fixed(row.delta, 3),
    fixed(row.gamma, 6),
    fixed(row.theta, 2),
    fixed(row.vega, 2),
  ];
  return cells
    .map((cell, index) => pad(cell, columns[index]!.width))
    .join('  ')
    .trimEnd();
}

function fixed(value: number | null | undefined, digits: number): string {
  return value == null ? '' : value.toFixed(digits);
}

/** A negative width aligns to the left. */
function pad(text: string, width: number): string {
  return width < 0 ? text.padEnd(-width) : text.padStart(width);
}
