import { apiVersion } from './schema.ts';

/**
 * Objects that an API server with our CRDs and `admit()` must judge alike: one corpus for the unit test and for a test
 * against a real API server.
 */
export interface AdmissionCase {
  readonly name: string;
  readonly object: CorpusObject;
  /** What is stored before `object` is written over it; absent where `object` is created. */
  readonly old?: CorpusObject;
  /** What `admit()` says, where it is refused. */
  readonly refused?: RegExp;
}

export interface CorpusObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string };
  readonly spec?: unknown;
  readonly status?: unknown;
}

type Fields = Record<string, unknown>;

function make(kind: string, spec: unknown, rest: Fields = {}): CorpusObject {
  return { apiVersion, kind, metadata: { name: 'corpus' }, spec, ...rest };
}

const instruments = { instruments: ['NSE:RELIANCE'] };
export const set = (spec: Fields = {}, rest: Fields = {}): CorpusObject =>
  make('InstrumentSet', { ...instruments, ...spec }, rest);
const onlySpec = (spec: unknown): CorpusObject => make('InstrumentSet', spec);
const chain = (fields: Fields = {}): CorpusObject =>
  onlySpec({ optionChains: [{ underlying: 'NSE:NIFTY 50', strikes: { aroundMoney: 10 }, ...fields }] });
const selector = (fields: Fields): CorpusObject => onlySpec({ selectors: [{ exchange: 'NFO', ...fields }] });
export const account = (spec: Fields = {}, rest: Fields = {}): CorpusObject =>
  make('TickerAccount', { provider: 'kite', ...spec }, rest);
const shard = (name: string, uid = 'u1'): Fields => ({ shard: name, uid });
export const slice = (spec: Fields = {}, rest: Fields = {}): CorpusObject =>
  make(
    'SubscriptionSlice',
    { account: 'a', connection: 0, login: { provider: 'kite' }, epoch: 3, sets: [], groups: [], ...spec },
    rest,
  );
const condition = (fields: Fields = {}): Fields => ({
  ...{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-05T03:45:00Z', reason: 'Streaming', message: '' },
  ...fields,
});
const sliceSet = (fields: Fields = {}): Fields => ({
  ...{ namespace: 'default', name: 'banks', uid: 'u', channel: 'ticks:default:banks' },
  ...fields,
});
const endpoint = { rest: 'http://kite-simulator:8080', websocket: 'ws://kite-simulator:8080/ws' };

const good: AdmissionCase[] = [
  { name: 'a set of instruments', object: set() },
  { name: 'a set of an option chain', object: chain() },
  { name: 'expiries by date', object: chain({ expiries: { dates: ['2026-12-31', '2027-01-28'] } }) },
  { name: 'a set of a selector', object: selector({ name: 'BANKNIFTY', types: ['FUT'], expiries: { nearest: 2 } }) },
  { name: 'a selector with a pattern', object: selector({ symbol: 'NIFTY*FUT', limit: 10 }) },
  { name: 'shares by selector', object: selector({ exchange: 'NSE', types: ['EQ', 'INDEX'] }) },
  { name: 'greeks with mode ltp', object: set({ mode: 'ltp', greeks: { model: 'black76' } }) },
  { name: 'greeks with a whole number for a rate', object: set({ greeks: { rate: 0, dividendYield: 1 } }) },
  { name: 'exceptions by rule', object: set({ validation: { action: 'off', rules: { priceJump: 'report' } } }) },
  { name: 'latest values only', object: set({ delivery: { pubsub: false } }) },
  { name: 'a stream only', object: set({ delivery: { pubsub: false, latest: false, stream: {} } }) },
  { name: 'no batching', object: set({ delivery: { window: 0, maxTicks: 1 } }) },
  { name: 'arrow', object: set({ delivery: { format: 'arrow' } }) },
  { name: 'conflation', object: set({ delivery: { conflate: true } }) },
  { name: 'accounts by label', object: set({ accountSelector: { matchLabels: { desk: 'demo' } } }) },
  { name: 'accounts by name', object: set({ accountSelector: { names: ['demo-a', 'demo-b'] } }) },
  { name: 'a field that is null counts as absent', object: set({ greeks: null, mode: null }) },
  { name: 'an empty list beside one that is not', object: set({ selectors: [] }) },
  { name: 'a long name with a channel', object: set({ delivery: { channel: 'short' } }, named('n'.repeat(200))) },
  {
    name: 'status of a set',
    object: set({}, { status: { observedGeneration: 1, requested: 2, conditions: [condition()] } }),
  },
  { name: 'an account with the least', object: account() },
  { name: 'an account with an endpoint', object: account({ endpoint, credentials: { secretName: 'kite-a' } }) },
  { name: 'an endpoint by IPv6', object: account({ endpoint: { rest: 'http://[::1]:80', websocket: 'ws://[::1]' } }) },
  {
    name: 'limits',
    object: account({ limits: { connections: 2, instrumentsPerConnection: 1000, instruments: 2000 } }),
  },
  { name: 'suspended', object: account({ suspended: true }), old: account() },
  { name: 'namespaces', object: account({ allowedNamespaces: ['research', 'desk-2'] }) },
  { name: 'a slice without an owner', object: slice() },
  { name: 'a slice with a set', object: slice({ sets: [sliceSet()] }) },
  { name: 'an owner with a higher epoch', object: slice({ owner: shard('t-1'), epoch: 4 }), old: slice() },
  { name: 'the same owner and epoch', object: slice({ owner: shard('t-1') }), old: slice({ owner: shard('t-1') }) },
  { name: 'an owner taken away', object: slice(), old: slice({ owner: shard('t-1') }) },
  {
    name: 'status of a slice by two shards',
    object: slice({}, { status: { shards: [shardStatus('t-0'), shardStatus('t-1')] } }),
  },
  {
    name: 'status of a slice by two pods of one name',
    object: slice({}, { status: { shards: [shardStatus('t-0'), shardStatus('t-0', { uid: 'u2' })] } }),
  },
  { name: 'a planned move', object: slice({ owner: shard('t-1'), next: shard('t-2') }) },
  { name: 'a successor in another pod of one name', object: slice({ owner: shard('t-1'), next: shard('t-1', 'u2') }) },
  {
    name: 'a move that closes first',
    object: slice({ owner: shard('t-2'), epoch: 4, handover: 'closeFirst' }),
    old: slice({ owner: shard('t-1') }),
  },
  { name: 'instruments that join', object: slice({ joining: [256265] }) },
  {
    name: 'status of a successor',
    object: slice({}, { status: { shards: [shardStatus('t-1', { phase: 'Warm', streaming: 12 })] } }),
  },
];

function named(name: string): Fields {
  return { metadata: { name } };
}

function shardStatus(name: string, fields: Fields = {}): Fields {
  return { shard: name, uid: 'u', observedGeneration: 1, phase: 'Streaming', subscribed: 0, ...fields };
}

const badSets: AdmissionCase[] = [
  {
    name: 'no spec',
    object: { apiVersion, kind: 'InstrumentSet', metadata: { name: 'corpus' } },
    refused: /^spec: is missing/,
  },
  { name: 'nothing to stream', object: onlySpec({}), refused: /^spec: the set names nothing to stream/ },
  {
    name: 'empty lists only',
    object: onlySpec({ instruments: [], selectors: [] }),
    refused: /names nothing to stream/,
  },
  { name: 'an unknown field', object: set({ instrumnets: [] }), refused: /did you mean `instruments`\?/ },
  {
    name: 'a field in the wrong place',
    object: set({ channel: 'x' }),
    refused: /belongs at `spec\.delivery\.channel`/,
  },
  {
    name: 'an unknown field deep down',
    object: chain({ strikes: { aroundMony: 1 } }),
    refused: /did you mean `aroundMoney`/,
  },
  {
    name: 'an unknown mode',
    object: set({ mode: 'Quote' }),
    refused: /^spec\.mode: "Quote" is not one of.*Write quote/,
  },
  { name: 'a text for a number', object: chain({ strikes: { aroundMoney: '10' } }), refused: /aroundMoney: is "10"/ },
  { name: 'a fraction for a whole number', object: chain({ strikes: { aroundMoney: 1.5 } }), refused: /aroundMoney/ },
  {
    name: 'too many strikes',
    object: chain({ strikes: { aroundMoney: 201 } }),
    refused: /201 is too large.*at most 200/,
  },
  {
    name: 'strikes missing',
    object: chain({ strikes: null }),
    refused: /^spec\.optionChains\[0\]\.strikes: is missing/,
  },
  {
    name: 'an instrument without exchange',
    object: set({ instruments: ['RELIANCE'] }),
    refused: /EXCHANGE:TRADINGSYMBOL/,
  },
  {
    name: 'an instrument twice',
    object: set({ instruments: ['NSE:A1', 'NSE:A1'] }),
    refused: /instruments\[1\]: is in the list twice/,
  },
  { name: 'null in a list', object: set({ instruments: [null] }), refused: /instruments\[0\]: is null/ },
  {
    name: 'both kinds of expiries',
    object: chain({ expiries: { nearest: 1, dates: ['2026-12-31'] } }),
    refused: /either expiries\.nearest or/,
  },
  { name: 'neither kind of expiries', object: chain({ expiries: {} }), refused: /either expiries\.nearest or/ },
  {
    name: 'a date that does not exist',
    object: chain({ expiries: { dates: ['2026-02-30'] } }),
    refused: /no calendar date/,
  },
  {
    name: 'expiries of shares',
    object: selector({ types: ['EQ'], expiries: { nearest: 1 } }),
    refused: /EQ and INDEX have no expiry/,
  },
  {
    name: 'expiries of shares and futures',
    object: selector({ types: ['FUT', 'EQ'], expiries: { nearest: 1 } }),
    refused: /no expiry/,
  },
  {
    name: 'a pattern in small letters',
    object: selector({ symbol: 'nifty*' }),
    refused: /no pattern of a tradingsymbol/,
  },
  {
    name: 'a time zone that does not exist',
    object: set({ greeks: { timezone: 'Asia/Kolkatta' } }),
    refused: /no such time zone/,
  },
  {
    name: 'a dividend yield for Black-76',
    object: set({ greeks: { model: 'black76', dividendYield: 0.01 } }),
    refused: /no dividend yield/,
  },
  {
    name: 'an unknown rule',
    object: set({ validation: { rules: { depthCrosed: 'off' } } }),
    refused: /no such rule; the rules are/,
  },
  {
    name: 'an unknown action',
    object: set({ validation: { action: 'ignore' } }),
    refused: /not one of enforce, report, off/,
  },
  {
    name: 'an action that YAML read as false',
    object: set({ validation: { action: false } }),
    refused: /Put the word in quotes/,
  },
  {
    name: 'nothing delivered',
    object: set({ delivery: { pubsub: false, latest: false } }),
    refused: /nothing would be delivered/,
  },
  { name: 'a window too long', object: set({ delivery: { window: 10_001 } }), refused: /window: 10001 is too large/ },
  { name: 'a channel with a colon', object: set({ delivery: { channel: 'a:b' } }), refused: /is no channel/ },
  { name: 'sharded channels', object: set({ delivery: { sharded: true } }) },
  {
    name: 'sharded channels without channels',
    object: set({ delivery: { sharded: true, pubsub: false } }),
    refused: /sharded says how pubsub publishes/,
  },
  { name: 'bars', object: set({ bars: { intervals: ['1m', '1d'] } }) },
  { name: 'bars of no length', object: set({ bars: { intervals: [] } }), refused: /^spec\.bars\.intervals/ },
  { name: 'backfill', object: set({ backfill: {} }), refused: /^spec\.backfill: backfill is not supported yet/ },
  { name: 'redundancy', object: set({ redundancy: 2 }), refused: /redundancy above 1 is not supported yet/ },
  { name: 'an empty list of accounts', object: set({ accountSelector: { names: [] } }), refused: /names: is empty/ },
  {
    name: 'a name too long for a channel',
    object: set({}, named('n'.repeat(121))),
    refused: /too long to be the name of a channel/,
  },
  { name: 'a name with capitals', object: set({}, named('Banks')), refused: /^metadata\.name: "Banks" is no name/ },
  {
    name: 'a condition twice',
    object: set({}, { status: { conditions: [condition(), condition({ status: 'False' })] } }),
    refused: /^status\.conditions\[1\]: is in the list twice/,
  },
  {
    name: 'a condition without a reason',
    object: set({}, { status: { conditions: [condition({ reason: '' })] } }),
    refused: /^status\.conditions\[0\]\.reason/,
  },
  {
    name: 'a time that is none',
    object: set({}, { status: { conditions: [condition({ lastTransitionTime: 'now' })] } }),
    refused: /lastTransitionTime: "now" is no time/,
  },
  {
    name: 'a negative count',
    object: set({}, { status: { requested: -1 } }),
    refused: /^status\.requested: -1 is too small/,
  },
  {
    name: 'an unknown field of a status',
    object: set({}, { status: { phase: 'x' } }),
    refused: /^status\.phase: unknown field/,
  },
];

const badAccounts: AdmissionCase[] = [
  { name: 'no provider', object: make('TickerAccount', {}), refused: /^spec\.provider: is missing/ },
  {
    name: 'another provider',
    object: account({ provider: 'mock' }),
    old: account(),
    refused: /provider cannot be changed/,
  },
  { name: 'a provider in capitals', object: account({ provider: 'Kite' }), refused: /"Kite" is no provider/ },
  {
    name: 'half an endpoint',
    object: account({ endpoint: { rest: endpoint.rest } }),
    refused: /both endpoint\.rest and endpoint\.websocket/,
  },
  {
    name: 'the wrong scheme',
    object: account({ endpoint: { ...endpoint, websocket: 'http://h' } }),
    refused: /websocket: .*is no address/,
  },
  {
    name: 'a login in an address',
    object: account({ endpoint: { ...endpoint, rest: 'http://u:hunter2@h' } }),
    refused: /without user, password/,
  },
  {
    name: 'a query in an address',
    object: account({ endpoint: { ...endpoint, websocket: 'ws://h?access_token=hunter2' } }),
    refused: /is no address/,
  },
  {
    name: 'a login where its Secret belongs',
    object: account({ credentials: { secretName: 'HUNTER2' } }),
    refused: /secretName: "…" is no name/,
  },
  {
    name: 'credentials in the clear',
    object: account({ credentials: { apiKey: 'hunter2' } }),
    refused: /unknown field `apiKey`/,
  },
  {
    name: 'more connections than can be',
    object: account({ limits: { connections: 33 } }),
    refused: /connections: 33 is too large/,
  },
  {
    name: 'a bound above the product',
    object: account({ limits: { connections: 1, instrumentsPerConnection: 100, instruments: 101 } }),
    refused: /more than connections × instrumentsPerConnection/,
  },
  {
    name: 'sessions',
    object: account({ sessions: { timezone: 'UTC', hours: [{ days: ['Mon'], open: '09:00', close: '24:00' }] } }),
  },
  {
    name: 'a session in a zone that is none',
    object: account({
      sessions: { timezone: 'Asia/Kolkatta', hours: [{ days: ['Mon'], open: '09:00', close: '15:30' }] },
    }),
    refused: /sessions\.timezone: no such time zone/,
  },
  {
    name: 'a session that opens at 24:00',
    object: account({ sessions: { timezone: 'UTC', hours: [{ days: ['Mon'], open: '24:00', close: '24:00' }] } }),
    refused: /open: "24:00" is no time of day/,
  },
  {
    name: 'a session that closes before it opens',
    object: account({ sessions: { timezone: 'UTC', hours: [{ days: ['Mon'], open: '15:00', close: '09:30' }] } }),
    refused: /closes after it opens/,
  },
  {
    name: 'a namespace that is none',
    object: account({ allowedNamespaces: ['*'] }),
    refused: /allowedNamespaces\[0\]: "\*" is no name/,
  },
  {
    name: 'a text for true',
    object: account({ suspended: 'yes' }),
    refused: /suspended: is "yes"\. Write true or false/,
  },
  { name: 'a name too long for a label', object: account({}, named('n'.repeat(64))), refused: /at most 63 characters/ },
  {
    name: 'a label that is none',
    object: account({}, { metadata: { name: 'corpus', labels: { desk: 'a b' } } }),
    refused: /^metadata\.labels\.desk: "a b" is no label value/,
  },
  {
    name: 'an unknown field of metadata',
    object: account({}, { metadata: { name: 'corpus', label: {} } }),
    refused: /^metadata\.label: unknown field `label`; did you mean `labels`\?/,
  },
];

const badSlices: AdmissionCase[] = [
  { name: 'another account', object: slice({ account: 'b' }), old: slice(), refused: /^spec\.account: a slice stays/ },
  { name: 'another connection', object: slice({ connection: 1 }), old: slice(), refused: /^spec\.connection: a slice/ },
  {
    name: "another provider of a slice's login",
    object: slice({ login: { provider: 'mock' } }),
    old: slice(),
    refused: /^spec\.login\.provider: provider cannot be changed/,
  },
  { name: 'a lower epoch', object: slice({ epoch: 2 }), old: slice(), refused: /an epoch never falls/ },
  {
    name: 'an owner without a higher epoch',
    object: slice({ owner: shard('t-1') }),
    old: slice(),
    refused: /needs a higher epoch/,
  },
  {
    name: 'another owner without a higher epoch',
    object: slice({ owner: shard('t-2') }),
    old: slice({ owner: shard('t-1') }),
    refused: /^spec\.epoch: another owner needs a higher epoch/,
  },
  {
    name: 'another pod of one name without a higher epoch',
    object: slice({ owner: shard('t-1', 'u2') }),
    old: slice({ owner: shard('t-1', 'u1') }),
    refused: /another owner needs a higher epoch/,
  },
  {
    name: 'a successor that is the owner',
    object: slice({ owner: shard('t-1'), next: shard('t-1') }),
    refused: /^spec\.next: the successor is the owner already/,
  },
  {
    name: 'another way of handing over',
    object: slice({ handover: 'openFirst' }),
    refused: /^spec\.handover: "openFirst" is not one of/,
  },
  { name: 'joining token 0', object: slice({ joining: [0] }), refused: /^spec\.joining\[0\]: 0 is too small/ },
  { name: 'epoch 0', object: slice({ epoch: 0 }), refused: /^spec\.epoch: 0 is too small/ },
  {
    name: 'a set that delivers nothing',
    object: slice({ sets: [sliceSet({ delivery: { pubsub: false, latest: false } })] }),
    refused: /sets\[0\]\.delivery: .*nothing would be/,
  },
  {
    name: 'an instrument without a token',
    object: slice({ groups: [{ exchange: 'NFO', mode: 'full', sets: [], instruments: [{ symbol: 'A' }] }] }),
    refused: /instruments\[0\]\.token: is missing/,
  },
  {
    name: 'a token beyond 32 bits',
    object: slice({
      groups: [{ exchange: 'NFO', mode: 'full', sets: [], instruments: [{ token: 4_294_967_296, symbol: 'A' }] }],
    }),
    refused: /token: 4294967296 is too large/,
  },
  {
    name: 'one shard twice',
    object: slice({}, { status: { shards: [shardStatus('t'), shardStatus('t')] } }),
    refused: /shards\[1\]: is in the list twice/,
  },
  {
    name: 'an unknown phase',
    object: slice({}, { status: { shards: [shardStatus('t', { phase: 'Up' })] } }),
    refused: /"Up" is not one of/,
  },
];

export const admissionCorpus: readonly AdmissionCase[] = [...good, ...badSets, ...badAccounts, ...badSlices];
