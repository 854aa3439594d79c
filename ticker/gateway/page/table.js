import { columns, large, tickTime, whole } from './columns.js';

export const byId = (id) => document.getElementById(id);
/** Milliseconds after which a row is shown as stale. */
const staleAfter = 10_000;
let sort = { key: 'symbol', descending: false };
/** Lines of the table by symbol. */
let shown = new Map();

export function clearTable() {
  shown = new Map();
  byId('rows').replaceChildren();
}

/** Facts of the stream above the table. */
export function drawSummary(stream) {
  const now = performance.now();
  const span = Math.min(5000, Math.max(1000, now - stream.started));
  while (stream.recent.length > 0 && stream.recent[0][0] < now - span) stream.recent.shift();
  const rate = stream.recent.reduce((sum, [, count]) => sum + count, 0) / (span / 1000);
  const lost = stream.missing;
  const order =
    lost > 0
      ? ['bad', `${whole.format(lost)} missing`]
      : stream.unproven > 0
        ? ['warn', 'restarted']
        : ['good', 'complete'];
  const owners = [...stream.slices.values()].map(
    (slice) => `${slice.slice} on ${slice.shard}, epoch ${slice.epoch}, claim ${slice.claim}, seq ${slice.seq}`,
  );
  const facts = [
    ['Ticks/s', rate < 10 ? rate.toFixed(1) : whole.format(rate)],
    ['Ticks', large(stream.ticks)],
    ['Batches', large(stream.batches)],
    ['Sequence', order[1], order[0], owners.join('\n')],
    ['Gaps told', whole.format(stream.told), stream.told > 0 ? 'warn' : ''],
    ...(stream.arrow ? [['Format', 'Arrow', '', 'Rows are the latest values, read once a second.']] : []),
    ['Slices', whole.format(stream.slices.size), '', owners.join('\n')],
  ];
  byId('summary').replaceChildren(
    ...facts.map(([title, value, kind, hint]) => {
      const cell = document.createElement('div');
      const label = document.createElement('dt');
      const text = document.createElement('b');
      label.textContent = title;
      text.textContent = value;
      if (kind) text.className = kind;
      if (hint) cell.title = hint;
      cell.append(label, text);
      return cell;
    }),
  );
}

function drawHead(present, redraw) {
  const head = byId('head');
  const key = present.map((column) => column.key).join() + sort.key + sort.descending;
  if (head.dataset.key === key) return;
  head.dataset.key = key;
  clearTable();
  head.replaceChildren(
    ...present.map((column) => {
      const cell = document.createElement('th');
      const button = document.createElement('button');
      button.textContent = column.title;
      button.onclick = () => {
        sort = { key: column.key, descending: sort.key === column.key ? !sort.descending : column.key !== 'symbol' };
        redraw();
      };
      if (sort.key === column.key) cell.ariaSort = sort.descending ? 'descending' : 'ascending';
      cell.append(button);
      return cell;
    }),
  );
}

/** Rows of the table at most; the filter finds the others. */
const rowsShown = 1000;

export function drawRows(rows, now, waiting) {
  const filter = byId('filter').value.trim().toUpperCase();
  const all = [...rows.values()];
  const present = columns.filter(
    (column) => column.key === 'symbol' || all.some((row) => column.value(row, now) != null),
  );
  drawHead(present, () => drawRows(rows, now, waiting));
  const column = columns.find((each) => each.key === sort.key) ?? columns[0];
  const direction = sort.descending ? -1 : 1;
  const compare = new Intl.Collator('en', { numeric: true }).compare;
  const matching = all.filter((row) => row.symbol.includes(filter)).map((row) => [column.value(row, now), row]);
  matching.sort(([a, x], [b, y]) => {
    if (a == null || b == null) return (a == null) - (b == null) || compare(x.symbol, y.symbol);
    return (typeof a === 'string' ? compare(a, b) : a - b) * direction || compare(x.symbol, y.symbol);
  });
  const visible = matching.slice(0, rowsShown);
  const more = matching.length > visible.length ? `, the first ${whole.format(rowsShown)} shown` : '';
  byId('count').textContent = `${whole.format(matching.length)} instrument${matching.length === 1 ? '' : 's'}${more}`;
  byId('empty').hidden = visible.length > 0;
  byId('empty').textContent = rows.size > 0 ? 'No instrument matches.' : waiting;
  const body = byId('rows');
  visible.forEach(([, row], index) => {
    const line = shown.get(row.symbol) ?? newLine(row, present);
    fill(line, row, present, now);
    if (body.children[index] !== line) body.insertBefore(line, body.children[index] ?? null);
  });
  while (body.children.length > visible.length) body.lastChild.remove();
}

function newLine(row, present) {
  const line = document.createElement('tr');
  for (const column of present) {
    const cell = line.insertCell();
    if (column.key === 'symbol') {
      const [exchange, symbol] = [row.symbol.split(':', 1)[0], row.symbol.slice(row.symbol.indexOf(':') + 1)];
      const small = document.createElement('small');
      small.textContent = exchange;
      cell.append(symbol, small);
    }
  }
  shown.set(row.symbol, line);
  return line;
}

function fill(line, row, present, now) {
  present.forEach((column, index) => {
    if (column.key === 'symbol') return;
    const cell = line.cells[index];
    const value = column.value(row, now);
    const text = value == null ? '–' : column.text(value);
    if (cell.textContent !== text) cell.textContent = text;
    let kind = value == null ? 'none' : '';
    if (column.key === 'change' && value) kind = value > 0 ? 'up' : 'down';
    if (column.key === 'age') kind = 'age';
    if (column.key === 'last_price') {
      kind = 'price';
      if (row.changed && row.direction !== 0) flash(cell, row.direction);
      else if (cell.classList.contains('price')) return;
    }
    if (cell.className !== kind && !cell.className.includes('flash')) cell.className = kind;
  });
  row.changed = false;
  line.className = now - tickTime(row) > staleAfter ? 'stale' : '';
}

function flash(cell, direction) {
  cell.className = direction > 0 ? 'price up-flash' : 'price down-flash';
  setTimeout(() => {
    cell.className = 'price';
  }, 120);
}
