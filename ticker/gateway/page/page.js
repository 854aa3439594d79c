import { arrowHeader } from './arrow.js';
import { age, tickTime } from './columns.js';
import { follow, freshStream } from './follow.js';
import { byId, clearTable, drawRows, drawSummary } from './table.js';

/** Milliseconds between two looks at the latest values, where batches are not read here. */
const latestEvery = 1000;
/** Milliseconds without a message, heartbeats included, after which an open connection is not called live. */
const silentAfter = 5000;
let sets = [];
let selected;
let socket;
let live = false;
let retry = 0;
/** Rows of the selected set by symbol. */
let rows = new Map();
let stream;
let dirty = false;

const fresh = () => ({
  ...freshStream(),
  /** Time and ticks of each batch of the last seconds. */
  recent: [],
  /** Batches come in Arrow. */
  arrow: false,
  /** The latest values are being read, or were a moment ago. */
  reading: false,
  /** A batch has come since. */
  unread: false,
  /** The sender's clock less this one: a difference between the two is no age. */
  offset: 0,
  started: performance.now(),
  heard: performance.now(),
});

function connection(state, text) {
  byId('connection').dataset.state = state;
  byId('connection').textContent = text;
}

/** Asked for once, where the gateway wants one; gone with the tab. */
let token = sessionStorage.getItem('token');
let asked = false;

const get = (path) => fetch(path, token ? { headers: { Authorization: `Bearer ${token}` } } : {});

/** A page can send a token with a WebSocket as a subprotocol only. */
const protocols = () =>
  token ? ['ticker.v1', `ticker.bearer.${btoa(token).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')}`] : [];

function askForToken() {
  if (asked) return;
  asked = true;
  token = prompt('This gateway wants a bearer token.')?.trim() || null;
  if (token) sessionStorage.setItem('token', token);
}

async function loadSets() {
  try {
    let response = await get('/v1/sets');
    if (response.status === 401) {
      askForToken();
      response = await get('/v1/sets');
    }
    if (response.status === 401) connection('lost', 'the gateway wants a token; load the page again to give one');
    if (!response.ok) return;
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
  clearTable();
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
    protocols(),
  );
  socket = own;
  own.binaryType = 'arraybuffer';
  own.onmessage = (event) => {
    if (socket !== own) return;
    retry = 0;
    if (typeof event.data === 'string') receive(JSON.parse(event.data));
    else receiveArrow(event.data);
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
  } else if (message.v === 1) {
    stream.offset = message.time / 1000 - Date.now();
    if (follow(stream, message)) take(message);
  }
  dirty = true;
}

/** A batch in Arrow: its header is followed, its rows are shown from the latest values. */
function receiveArrow(buffer) {
  const header = arrowHeader(buffer);
  if (header === undefined) return;
  stream.arrow = true;
  receive({ ...header, columns: {} });
  if (header.count === 0) return;
  stream.unread = true;
  if (!stream.reading) void readLatest(stream, selected);
}

async function readLatest(own, set) {
  own.reading = true;
  own.unread = false;
  try {
    const response = await get(`/v1/sets/${set}/latest`);
    const latest = response.ok ? await response.json() : { rows: {} };
    if (stream === own) for (const row of Object.values(latest.rows)) merge(row);
    dirty = true;
  } catch {
    // The gateway is away, which the connection shows.
  }
  setTimeout(() => {
    own.reading = false;
    if (own.unread && stream === own) void readLatest(own, set);
  }, latestEvery);
}

function take({ count, columns }) {
  stream.recent.push([performance.now(), count]);
  if (stream.arrow) return;
  for (let i = 0; i < count; i++) {
    const row = {};
    for (const key in columns) row[key] = columns[key][i];
    merge(row);
  }
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

const waiting = () =>
  stream.arrow && stream.ticks > 0
    ? 'This set is delivered as Arrow and keeps no latest values (spec.delivery.latest): read it with pandas or polars.'
    : 'No tick yet.';

function draw() {
  if (stream === undefined) return;
  drawSummary(stream);
  drawRows(rows, Date.now() + stream.offset, waiting());
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
setInterval(() => !document.hidden && void loadSets(), 5000);
void loadSets();
