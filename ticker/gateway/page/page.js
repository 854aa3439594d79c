const byId = (id) => document.getElementById(id);
const number = (places) =>
  new Intl.NumberFormat('en-IN', { minimumFractionDigits: places, maximumFractionDigits: places });
const [whole, two, three, five] = [0, 2, 3, 5].map(number);
const lakh = new Intl.NumberFormat('en-IN', { notation: 'compact', maximumFractionDigits: 2 });
const large = (value) => (value < 100_000 ? whole : lakh).format(value);

const change = (row) => (row.last_price == null || !row.close ? null : row.last_price / row.close - 1);
/** Columns of the table: title, value of a row, text of a value. Those that no row has are hidden. */
const columns = [
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
const staleAfter = 10_000;
const silentAfter = 5000;

/** Milliseconds since the epoch at which a row was received. */
const tickTime = (row) => (row.receive_time ?? row.exchange_time ?? 0) / 1000;

function age(millis) {
  if (millis < 10_000) return `${(millis / 1000).toFixed(1)} s`;
  if (millis < 60_000) return `${Math.round(millis / 1000)} s`;
  return millis < 3_600_000 ? `${Math.round(millis / 60_000)} min` : `${Math.round(millis / 3_600_000)} h`;
}

let sets = [];
let selected;
let socket;
let live = false;
let retry = 0;
let sort = { key: 'symbol', descending: false };
/** Rows of the selected set by symbol, and what is shown of each. */
let rows = new Map();
let shown = new Map();
let stream;
let dirty = false;

const fresh = () => ({
  batches: 0,
  ticks: 0,
  missing: 0,
  unproven: 0,
  dropped: 0,
  told: 0,
  slices: new Map(),
  recent: [],
  /** The sender's clock less this one: a difference between the two is no age. */
  offset: 0,
  heard: performance.now(),
});

function connection(state, text) {
  byId('connection').dataset.state = state;
  byId('connection').textContent = text;
}

async function loadSets() {
  try {
    const response = await fetch('/v1/sets');
    sets = (await response.json()).sets.sort((a, b) => name(a).localeCompare(name(b)));
  } catch {
    return;
  }
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (!sets.some((set) => name(set) === selected)) {
    const first = sets.find((set) => name(set) === wanted) ?? sets.find((set) => set.stream) ?? sets[0];
    if (first) select(name(first));
  }
  drawSets();
}

const name = (set) => `${set.namespace}/${set.name}`;

function drawSets() {
  byId('sets').replaceChildren(
    ...sets.map((set) => {
      const button = document.createElement('button');
      const space = document.createElement('small');
      space.textContent = `${set.namespace}/`;
      button.append(space, set.name);
      button.setAttribute('aria-pressed', String(name(set) === selected));
      button.onclick = () => select(name(set));
      return button;
    }),
  );
}

function select(set) {
  if (set === selected) return;
  selected = set;
  history.replaceState(null, '', `#${encodeURIComponent(set)}`);
  document.title = `${set}: live ticks`;
  byId('latest').href = `/v1/sets/${set}/latest`;
  rows = new Map();
  shown = new Map();
  byId('rows').replaceChildren();
  stream = fresh();
  retry = 0;
  drawSets();
  open();
}

function open() {
  const set = selected;
  socket?.close();
  live = false;
  connection('connecting', 'connecting');
  const own = new WebSocket(
    `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/stream?set=${encodeURIComponent(set)}`,
  );
  socket = own;
  own.onmessage = (event) => {
    if (socket !== own) return;
    retry = 0;
    receive(JSON.parse(event.data));
  };
  own.onclose = (event) => {
    if (socket !== own) return;
    const wait = Math.min(10_000, 500 * 2 ** retry++);
    live = false;
    connection('lost', event.reason || 'connection lost, trying again');
    setTimeout(() => socket === own && open(), wait);
  };
}

function receive(message) {
  stream.heard = performance.now();
  if (message.type === 'snapshot') {
    for (const row of Object.values(message.rows)) merge(row);
    live = true;
    connection('live', 'live');
  } else if (message.type === 'dropped') {
    stream.dropped += message.batches;
  } else if (message.v === 1) {
    follow(message);
    const { columns } = message;
    for (let i = 0; i < message.count; i++) {
      const row = {};
      for (const key in columns) row[key] = columns[key][i];
      merge(row);
    }
  }
  dirty = true;
}

/** What follows what: the same rule as every reader's (see the delivery reference). */
function follow(batch) {
  stream.offset = batch.time / 1000 - Date.now();
  let last = stream.slices.get(batch.slice);
  if (last === undefined) {
    last = { ...batch, columns: undefined };
    stream.slices.set(batch.slice, last);
  } else {
    const order = batch.epoch - last.epoch || batch.claim - last.claim;
    if (order < 0) return;
    if (order > 0) {
      const before = last.seq === 0 && last.before ? last.before : last;
      Object.assign(last, {
        epoch: batch.epoch,
        claim: batch.claim,
        seq: 0,
        before: { epoch: before.epoch, claim: before.claim, seq: before.seq },
      });
    }
    const skipped = batch.seq - last.seq - (batch.count > 0 ? 1 : 0);
    if (skipped > 0) stream.missing += skipped;
    if (last.before && batch.seq > 0) {
      const { prev } = batch;
      if (
        skipped === 0 &&
        prev &&
        prev.epoch === last.before.epoch &&
        prev.claim === last.before.claim &&
        prev.seq >= last.before.seq
      ) {
        stream.missing += prev.seq - last.before.seq;
      } else if (last.before.seq > 0) stream.unproven++;
      last.before = undefined;
    }
    last.seq = Math.max(last.seq, batch.seq);
  }
  if (batch.gap) stream.told++;
  if (batch.count === 0) return;
  stream.batches++;
  stream.ticks += batch.count;
  stream.recent.push([performance.now(), batch.count]);
}

function merge(update) {
  if (update.symbol === undefined) return;
  const row = rows.get(update.symbol);
  if (row === undefined) {
    rows.set(update.symbol, { ...update, direction: 0 });
    return;
  }
  if (tickTime(update) < tickTime(row)) return;
  const before = row.last_price;
  for (const key of ['iv', 'delta', 'gamma', 'theta', 'vega', 'rho']) row[key] = null;
  for (const key in update) if (update[key] !== null || key === 'last_price') row[key] = update[key];
  row.direction = before === row.last_price ? 0 : row.last_price > before ? 1 : -1;
  row.changed = true;
}

function drawSummary() {
  const now = performance.now();
  while (stream.recent.length > 0 && stream.recent[0][0] < now - 5000) stream.recent.shift();
  const rate = stream.recent.reduce((sum, [, count]) => sum + count, 0) / 5;
  const lost = stream.missing + stream.dropped;
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

function drawHead(present) {
  const head = byId('head');
  const key = present.map((column) => column.key).join() + sort.key + sort.descending;
  if (head.dataset.key === key) return;
  head.dataset.key = key;
  shown = new Map();
  byId('rows').replaceChildren();
  head.replaceChildren(
    ...present.map((column) => {
      const cell = document.createElement('th');
      const button = document.createElement('button');
      button.textContent = column.title;
      button.onclick = () => {
        sort = { key: column.key, descending: sort.key === column.key ? !sort.descending : column.key !== 'symbol' };
        dirty = true;
      };
      if (sort.key === column.key) cell.ariaSort = sort.descending ? 'descending' : 'ascending';
      cell.append(button);
      return cell;
    }),
  );
}

/** Rows of the table at most; the filter finds the others. */
const rowsShown = 1000;

function drawRows() {
  const filter = byId('filter').value.trim().toUpperCase();
  const now = Date.now() + stream.offset;
  const all = [...rows.values()];
  const present = columns.filter(
    (column) => column.key === 'symbol' || all.some((row) => column.value(row, now) != null),
  );
  drawHead(present);
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
  byId('empty').textContent =
    rows.size > 0 ? 'No instrument matches.' : selected ? 'No tick yet.' : 'Waiting for instrument sets.';
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

function draw() {
  if (stream === undefined) return;
  drawSummary();
  drawRows();
  dirty = false;
}

byId('filter').addEventListener('input', draw);
addEventListener('hashchange', () => {
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (sets.some((set) => name(set) === wanted)) select(wanted);
});
setInterval(() => dirty && !document.hidden && draw(), 200);
setInterval(() => {
  if (stream === undefined || document.hidden) return;
  draw();
  // Heartbeats come at least once a second: their absence is told, an open connection is no live stream.
  const silence = performance.now() - stream.heard;
  if (live)
    connection(silence > silentAfter ? 'lost' : 'live', silence > silentAfter ? `silent for ${age(silence)}` : 'live');
}, 1000);
setInterval(() => !document.hidden && loadSets(), 5000);
loadSets();
