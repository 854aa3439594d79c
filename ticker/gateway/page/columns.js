const number = (places) =>
  new Intl.NumberFormat('en-IN', { minimumFractionDigits: places, maximumFractionDigits: places });
export const [whole, two, three, five] = [0, 2, 3, 5].map(number);
const lakh = new Intl.NumberFormat('en-IN', { notation: 'compact', maximumFractionDigits: 2 });
export const large = (value) => (value < 100_000 ? whole : lakh).format(value);

const change = (row) => (row.last_price == null || !row.close ? null : row.last_price / row.close - 1);
/** Columns of the table: title, value of a row, text of a value. Those that no row has are hidden. */
export const columns = [
  { key: 'symbol', title: 'Instrument', value: (row) => row.symbol },
  { key: 'last_price', title: 'LTP', value: (row) => row.last_price, text: two.format },
  {
    key: 'change',
    title: 'Change',
    value: change,
    text: (value) => `${value >= 0 ? '+' : '−'}${two.format(Math.abs(value * 100))} %`,
  },
  { key: 'iv', title: 'IV', value: (row) => row.iv, text: (value) => `${two.format(value * 100)} %` },
  { key: 'delta', title: 'Delta', value: (row) => row.delta, text: three.format },
  { key: 'gamma', title: 'Gamma', value: (row) => row.gamma, text: five.format },
  { key: 'theta', title: 'Theta', value: (row) => row.theta, text: two.format },
  { key: 'vega', title: 'Vega', value: (row) => row.vega, text: two.format },
  { key: 'oi', title: 'OI', value: (row) => row.oi || null, text: large },
  { key: 'volume', title: 'Volume', value: (row) => row.volume, text: large },
  { key: 'age', title: 'Age', value: (row, now) => Math.max(0, now - tickTime(row)), text: age },
];
/** Milliseconds since the epoch at which a row was received. */
export const tickTime = (row) => (row.receive_time ?? row.exchange_time ?? 0) / 1000;

export function age(millis) {
  if (millis < 10_000) return `${(millis / 1000).toFixed(1)} s`;
  if (millis < 60_000) return `${Math.round(millis / 1000)} s`;
  return millis < 3_600_000 ? `${Math.round(millis / 60_000)} min` : `${Math.round(millis / 3_600_000)} h`;
}
