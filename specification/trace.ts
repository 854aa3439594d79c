/** One thing that happened to one slice, in the words of `Ownership.tla`. */
export type OwnershipEvent =
  /** The operator's writes: a successor is asked to warm up, given up, named as it is warm; an owner is replaced at once. */
  | { readonly kind: 'prepare'; readonly shard: string }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'promote' | 'takeOver'; readonly shard: string; readonly epoch: number }
  /** The sink grants a token, and accepts the first call under it. */
  | { readonly kind: 'claim' | 'send'; readonly shard: string; readonly epoch: number; readonly claim: number }
  | { readonly kind: 'crash' | 'restart'; readonly shard: string };

/** What became of one slice from the moment at which it got its first owner, under epoch 1. */
export interface OwnershipTrace {
  readonly owner: string;
  readonly events: readonly OwnershipEvent[];
}

export type TraceSearch = 'direct' | 'whole';

/** The action of the specification that each kind of event is, and what it says of the state after it. */
const actions: Readonly<Record<OwnershipEvent['kind'], string>> = {
  prepare: "Prepare /\\ slice'.next = step.shard",
  cancel: 'Cancel',
  promote: "Promote /\\ slice'.owner = step.shard /\\ slice'.epoch = step.epoch",
  takeOver: "TakeOver /\\ slice'.owner = step.shard /\\ slice'.epoch = step.epoch",
  claim: "Claim(step.shard) /\\ sink'.token = <<step.epoch, step.claim>> /\\ sink' # sink",
  send: "Send(step.shard) /\\ sink.token = <<step.epoch, step.claim>> /\\ sink' # sink",
  crash: 'Crash(step.shard)',
  restart: 'Restart(step.shard)',
};

/**
 * A module whose behaviours are those of `Ownership` in which exactly the trace's events are seen, in their order. What
 * the trace does not show (who has seen what, connects, ticks, is turned away) may happen in between. `Unfinished` is
 * broken where there is such a behaviour: then the trace is one of the specification's.
 *
 * @param search `direct`: only what the next event may need happens unseen, so that a behaviour is found soon; that there
 * is none is said for sure by the `whole` search alone
 */
export function traceModule(name: string, { owner, events }: OwnershipTrace, search: TraceSearch): string {
  const record = ({ kind, ...rest }: OwnershipEvent): string =>
    `[do |-> "${kind}"${Object.entries(rest)
      .map(([key, value]) => `, ${key} |-> ${JSON.stringify(value)}`)
      .join('')}]`;
  const observed = Object.entries(actions).map(
    ([kind, action]) => `  \\/ step.do = ${JSON.stringify(kind)} /\\ ${action}`,
  );
  return [
    `---- MODULE ${name} ----`,
    'EXTENDS Ownership',
    'VARIABLE at',
    `Trace == <<${events.map(record).join(',\n  ')}>>`,
    `TraceInit == Init /\\ slice.owner = ${JSON.stringify(owner)} /\\ at = 1`,
    "Observed == at <= Len(Trace) /\\ at' = at + 1 /\\ LET step == Trace[at] IN",
    ...observed,
    "Silent == at' = at /\\ (Tick \\/ \\E s \\in Shards :",
    "  Watch(s) \\/ Connect(s) \\/ Heartbeat(s) \\/ Deposed(s) \\/ Late(s) \\/ (Claim(s) /\\ sink' = sink))",
    'Needed(s) == at <= Len(Trace) /\\ "shard" \\in DOMAIN Trace[at] /\\ Trace[at].shard = s',
    'Direct == at\' = at /\\ (\\/ at <= Len(Trace) /\\ Trace[at].do = "send" /\\ Tick',
    '  \\/ \\E s \\in Shards : Heartbeat(s) \\/ (Needed(s) /\\ (Watch(s) \\/ Connect(s) \\/ Deposed(s))))',
    `TraceNext == Observed \\/ ${search === 'whole' ? 'Silent' : 'Direct'}`,
    'TraceSpec == TraceInit /\\ [][TraceNext]_<<vars, at>>',
    'Unfinished == at <= Len(Trace)',
    '====',
    '',
  ].join('\n');
}

/** The constants under which the specification allows as much as the trace has, and what TLC looks for. */
export function traceConfiguration({ owner, events }: OwnershipTrace): string {
  const count = (...kinds: readonly OwnershipEvent['kind'][]): number =>
    events.filter(({ kind }) => kinds.includes(kind)).length;
  const shards = new Set([owner, ...events.flatMap((event) => ('shard' in event ? [event.shard] : []))]);
  const constants = {
    Shards: `{${[...shards].map((shard) => JSON.stringify(shard)).join(', ')}}`,
    MaxTick: count('send') + 1,
    MaxEpoch: 1 + count('promote', 'takeOver'),
    MaxCrashes: count('crash'),
    MaxOutages: 0,
    MaxLost: count('claim'),
    MaxRollbacks: 0,
    Buffer: count('send') + 1,
    Spare: 'TRUE',
    Suspicion: 'TRUE',
    Without: '{}',
  };
  return [
    'SPECIFICATION TraceSpec',
    'CONSTANTS',
    ...Object.entries(constants).map(([name, value]) => `  ${name} = ${value}`),
    'INVARIANTS Unfinished',
    'CHECK_DEADLOCK FALSE',
    '',
  ].join('\n');
}
