import {
  accountLabel,
  apiVersion,
  type InstrumentGroup,
  type InstrumentSet,
  nextLabel,
  ownerLabel,
  type SliceSet,
  type SubscriptionSlice,
  sliceFinalizer,
  type TickerAccount,
} from '../../crds/index.ts';
import type { Naming } from '../handover/decide.ts';
import { compareText, type PlannedSlice } from '../planner/types.ts';
import { fieldManager, labelValue, sliceName } from './names.ts';
import type { SliceInstrument } from './placed.ts';
import { sliceSessions } from './slice-sessions.ts';

export interface SliceSource {
  readonly account: TickerAccount;
  /** By `namespace/name`. */
  readonly sets: ReadonlyMap<string, { readonly set: InstrumentSet; readonly channel: string }>;
  readonly instrument: (token: number) => SliceInstrument | undefined;
  /** Tokens that another slice still streams too. */
  readonly joining?: readonly number[] | undefined;
}

/**
 * What the operator applies of a slice: the same plan always gives the same object, so that nothing is written where
 * nothing changed. Who serves it is the caller's to decide.
 */
export function sliceObject(planned: PlannedSlice, naming: Naming, source: SliceSource): SubscriptionSlice {
  const { account, sets, joining = [] } = source;
  const { namespace = '', name } = account.metadata;
  const listed = [...new Set(planned.groups.flatMap((group) => group.sets))].sort(compareText);
  const indexes = new Map(listed.map((id, index) => [id, index]));
  const groups = planned.groups.flatMap((group) => {
    const indexed = group.sets.map((id) => indexes.get(id)).filter((index) => index !== undefined);
    return groupsOf(
      group.tokens,
      group.mode,
      indexed.sort((a, b) => a - b),
      source,
    );
  });
  groups.sort(compareGroups);
  const sessions = sliceSessions(account.spec.sessions, groups);
  return {
    apiVersion,
    kind: 'SubscriptionSlice',
    metadata: {
      name: sliceName(name, planned.connection),
      namespace,
      labels: {
        [accountLabel]: labelValue(name),
        'app.kubernetes.io/managed-by': fieldManager,
        ...namingLabels(naming),
      },
      finalizers: [sliceFinalizer],
    },
    spec: {
      account: name,
      connection: planned.connection,
      login: {
        provider: account.spec.provider,
        ...(account.spec.credentials === undefined ? {} : { credentials: account.spec.credentials }),
        ...(account.spec.endpoint === undefined ? {} : { endpoint: account.spec.endpoint }),
      },
      ...(sessions === undefined ? {} : { sessions }),
      suspended: account.spec.suspended,
      ...namingFields(naming),
      ...(joining.length === 0 ? {} : { joining: [...joining] }),
      sets: listed.map((id) => sliceSet(id, sets)),
      groups,
    },
  };
}

/** The slice as it is, with another naming: nothing else changes. */
export function renamed(slice: SubscriptionSlice, naming: Naming): SubscriptionSlice {
  const { apiVersion, kind, metadata, spec } = slice;
  const { name, namespace = '', labels } = metadata;
  const { [ownerLabel]: _, [nextLabel]: __, ...kept } = labels ?? {};
  const { owner: ___, next: ____, handover: _____, ...rest } = spec;
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, labels: { ...kept, ...namingLabels(naming) }, finalizers: [sliceFinalizer] },
    spec: { ...rest, ...namingFields(naming) },
  };
}

/** What shards select by: each watches the slices that it owns and those that it warms up for. */
function namingLabels({ owner, next }: Naming): Record<string, string> {
  return {
    ...(owner === undefined ? {} : { [ownerLabel]: owner.shard }),
    ...(next === undefined ? {} : { [nextLabel]: next.shard }),
  };
}

function namingFields({ owner, next, epoch, handover }: Naming) {
  return {
    epoch,
    ...(owner === undefined ? {} : { owner: { shard: owner.shard, uid: owner.uid } }),
    ...(next === undefined ? {} : { next: { shard: next.shard, uid: next.uid } }),
    ...(handover === undefined ? {} : { handover }),
  };
}

function sliceSet(id: string, sets: SliceSource['sets']): SliceSet {
  const known = sets.get(id);
  if (known === undefined) throw new Error(`the plan serves ${id}, which is no set`);
  const { metadata, spec } = known.set;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid ?? '',
    channel: known.channel,
    ...(spec.greeks === undefined ? {} : { greeks: spec.greeks }),
    validation: spec.validation,
    ...(spec.bars === undefined ? {} : { bars: spec.bars }),
    delivery: spec.delivery,
  };
}

function groupsOf(
  tokens: readonly number[],
  mode: InstrumentGroup['mode'],
  sets: number[],
  source: SliceSource,
): InstrumentGroup[] {
  const groups = new Map<string, InstrumentGroup>();
  for (const token of tokens) {
    const row = source.instrument(token);
    if (row === undefined) throw new Error(`the plan places token ${token}, which is no instrument`);
    const option = row.type === 'CE' || row.type === 'PE' ? row.type : undefined;
    const { exchange, symbol } = row;
    const expiry = option === undefined ? undefined : row.expiry;
    const underlying = option === undefined ? undefined : row.underlying;
    const key = `${exchange} ${expiry ?? ''} ${underlying ?? ''}`;
    let group = groups.get(key);
    if (group === undefined) {
      group = {
        exchange,
        mode,
        sets,
        ...(expiry === undefined ? {} : { expiry }),
        ...(underlying === undefined ? {} : { underlying }),
        instruments: [],
      };
      groups.set(key, group);
    }
    const strike = row.strike ?? 0;
    group.instruments.push(option === undefined ? { token, symbol } : { token, symbol, strike, type: option });
  }
  return [...groups.values()];
}

function compareGroups(a: InstrumentGroup, b: InstrumentGroup): number {
  return (
    compareText(a.sets.join(), b.sets.join()) ||
    compareText(a.exchange, b.exchange) ||
    compareText(a.expiry ?? '', b.expiry ?? '') ||
    (a.underlying ?? 0) - (b.underlying ?? 0)
  );
}
