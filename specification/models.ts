/** What TLC is asked: a module with constants, and what has to hold of every state and every behaviour. */
export interface Model {
  readonly name: string;
  readonly module: 'Ownership' | 'Joining';
  readonly constants: Readonly<Record<string, string | number | boolean>>;
  readonly invariants: readonly string[];
  readonly properties: readonly string[];
}

/** A model with one rule left out: TLC has to find a behaviour that breaks what the rule is there for. */
export interface Variant {
  readonly without: string;
  /** The model that shows it, with constants of its own where a smaller one, or a larger, does. */
  readonly model: string;
  readonly constants?: Model['constants'];
  /** Broken by leaving the rule out. */
  readonly breaks: string;
}

const still = {
  Shards: '{"a", "b"}',
  MaxTick: 2,
  MaxEpoch: 2,
  MaxCrashes: 0,
  MaxOutages: 0,
  MaxLost: 0,
  MaxRollbacks: 0,
  Buffer: 2,
  Spare: true,
  Suspicion: true,
};
const ordered = ['InOrder', 'ReaderInOrder', 'Once', 'TokensOnce'];

/** Each small enough that every reachable state is visited. */
export const models: readonly Model[] = [
  {
    name: 'planned moves',
    module: 'Ownership',
    constants: { ...still, MaxEpoch: 3, Suspicion: false },
    invariants: ordered,
    properties: ['Settled', 'Seamless'],
  },
  {
    name: 'API server or sink away, false suspicions',
    module: 'Ownership',
    constants: { ...still, MaxOutages: 1 },
    invariants: ordered,
    properties: ['Settled', 'Delivered'],
  },
  {
    name: 'crashes',
    module: 'Ownership',
    constants: { ...still, MaxCrashes: 1 },
    invariants: ordered,
    properties: ['Settled'],
  },
  {
    name: 'lost answers',
    module: 'Ownership',
    constants: { ...still, MaxLost: 1 },
    invariants: ordered,
    properties: ['Settled', 'Delivered'],
  },
  {
    name: 'the sink falls back to an older state',
    module: 'Ownership',
    constants: { ...still, MaxRollbacks: 1 },
    // What was accepted and forgotten may come again, from a successor, marked as overlap: a reader may get it twice.
    invariants: ['InOrder', 'TokensOnce'],
    properties: ['Settled'],
  },
  {
    name: 'no connection to spare: close first',
    module: 'Ownership',
    constants: { ...still, MaxEpoch: 3, Spare: false },
    invariants: ordered,
    properties: ['Settled', 'Accounted'],
  },
  {
    name: 'a full buffer while the sink is away',
    module: 'Ownership',
    constants: { ...still, MaxOutages: 1, Buffer: 1 },
    invariants: ordered,
    properties: ['Settled', 'Accounted'],
  },
  {
    name: 'an instrument changes slice',
    module: 'Joining',
    constants: { MaxTick: 4 },
    invariants: ['NothingMissed', 'RepeatsMarked'],
    properties: ['Moved'],
  },
];

export const variants: readonly Variant[] = [
  { without: 'until refused', model: 'API server or sink away, false suspicions', breaks: 'Delivered' },
  { without: 'fence', model: 'API server or sink away, false suspicions', breaks: 'InOrder' },
  { without: 'warm', model: 'planned moves', breaks: 'Seamless' },
  { without: 'one handover at a time', model: 'planned moves', constants: { MaxTick: 3 }, breaks: 'Seamless' },
  { without: 'a standby keeps what it may deliver', model: 'planned moves', breaks: 'Seamless' },
  { without: 'warm while it reaches back', model: 'planned moves', constants: { Buffer: 1 }, breaks: 'Seamless' },
  { without: 'a call is written once', model: 'lost answers', breaks: 'InOrder' },
  { without: 'late only what is not live', model: 'lost answers', breaks: 'Once' },
  { without: 'claim first', model: 'the sink falls back to an older state', breaks: 'Settled' },
  { without: 'claims are remembered', model: 'the sink falls back to an older state', breaks: 'TokensOnce' },
  { without: 'close first', model: 'no connection to spare: close first', breaks: 'Settled' },
  { without: 'drops are told', model: 'a full buffer while the sink is away', breaks: 'Accounted' },
  { without: 'it joins marked', model: 'an instrument changes slice', breaks: 'RepeatsMarked' },
  { without: 'it streams before it leaves', model: 'an instrument changes slice', breaks: 'NothingMissed' },
  { without: 'it has left before the mark goes', model: 'an instrument changes slice', breaks: 'RepeatsMarked' },
  { without: 'the claim fences', model: 'an instrument changes slice', breaks: 'RepeatsMarked' },
];

/** The configuration file that TLC reads. */
export function configuration(model: Model, without?: string): string {
  const text = (value: string | number | boolean): string =>
    typeof value === 'boolean' ? String(value).toUpperCase() : String(value);
  const constants = Object.entries(model.constants).map(([name, value]) => `  ${name} = ${text(value)}`);
  return [
    'SPECIFICATION Spec',
    'CONSTANTS',
    ...constants,
    `  Without = {${without === undefined ? '' : JSON.stringify(without)}}`,
    ...(model.invariants.length === 0 ? [] : [`INVARIANTS ${model.invariants.join(' ')}`]),
    ...(model.properties.length === 0 ? [] : [`PROPERTIES ${model.properties.join(' ')}`]),
    'CHECK_DEADLOCK FALSE',
    '',
  ].join('\n');
}

/** The model that shows what a variant breaks, and nothing else. */
export function modelOf({ model: name, breaks, constants }: Variant): Model {
  const model = models.find((each) => each.name === name);
  if (model === undefined) throw new Error(`no model is named ${name}`);
  const kept = (names: readonly string[]): string[] => names.filter((each) => each === breaks);
  return {
    ...model,
    constants: { ...model.constants, ...constants },
    invariants: kept(model.invariants),
    properties: kept(model.properties),
  };
}
