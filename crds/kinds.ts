import type { z } from 'zod';
import { instrumentSetSpec, instrumentSetStatus } from './instrument-set.ts';
import { type StructuralSchema, structuralSchema, type ValidationRule } from './openapi.ts';
import { apiVersion } from './schema.ts';
import { subscriptionSliceSpec, subscriptionSliceStatus } from './subscription-slice.ts';
import { tickerAccountSpec, tickerAccountStatus } from './ticker-account.ts';

/** One column of `kubectl get`. */
export interface PrinterColumn {
  name: string;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  jsonPath: string;
  description: string;
  /** Above 0: shown with `-o wide` only. */
  priority?: number;
}

/** What a condition of a kind means, for its reference page. */
export interface ConditionMeaning {
  type: string;
  meaning: string;
}

/** Everything that a kind's CRD, its reference page and admission are made from. */
export interface KindDefinition {
  kind: string;
  plural: string;
  singular: string;
  shortNames: string[];
  writtenBy: string;
  description: string;
  spec: z.ZodType;
  status: z.ZodType;
  /** Rules that look at name and spec together. */
  rules: ValidationRule[];
  columns: PrinterColumn[];
  conditions: ConditionMeaning[];
}

const age: PrinterColumn = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'Time since it was created.',
};

const conditionColumn = (name: string, type: string, field: string, description: string): PrinterColumn => ({
  name,
  type: 'string',
  jsonPath: `.status.conditions[?(@.type=="${type}")].${field}`,
  description,
});

const column = (
  name: string,
  jsonPath: string,
  description: string,
  type: PrinterColumn['type'] = 'string',
): PrinterColumn => ({ name, type, jsonPath, description });

const wide = (printed: PrinterColumn): PrinterColumn => ({ ...printed, priority: 1 });

const readyColumn = conditionColumn('Ready', 'Ready', 'status', 'Whether all is well.');
const reasonColumn = conditionColumn('Reason', 'Ready', 'reason', 'Why it is ready or not.');
const messageColumn = wide(conditionColumn('Message', 'Ready', 'message', 'What is wrong and what to do.'));

export const tickerAccountKind: KindDefinition = {
  kind: 'TickerAccount',
  plural: 'tickeraccounts',
  singular: 'tickeraccount',
  shortNames: ['ta'],
  writtenBy: 'user',
  description:
    'A TickerAccount is one login at a broker or exchange: which provider, which Secret, what it may stream and who may use it.',
  spec: tickerAccountSpec,
  status: tickerAccountStatus,
  rules: [
    {
      rule: 'size(self.metadata.name) <= 63',
      message: 'metadata.name is a label of the slices; choose one of at most 63 characters',
    },
  ],
  columns: [
    column('Provider', '.spec.provider', 'Broker or exchange.'),
    readyColumn,
    reasonColumn,
    column('Instruments', '.status.instruments', 'Instruments placed on it.', 'integer'),
    column('Capacity', '.status.capacity', 'Instruments that it can stream.', 'integer'),
    wide(column('Slices', '.status.slices', 'Connections that it serves.', 'integer')),
    wide(column('Shard', '.status.shard', 'The shard that serves it.')),
    wide(column('Suspended', '.spec.suspended', 'Whether it is suspended.', 'boolean')),
    messageColumn,
    age,
  ],
  conditions: [
    { type: 'Ready', meaning: 'The login works and its connections are open, or nothing is asked of it yet.' },
    { type: 'CredentialsValid', meaning: 'The provider accepted the login.' },
    { type: 'InstrumentMasterLoaded', meaning: "The provider's instrument master is at hand, and not too old." },
    { type: 'Connected', meaning: "The account's connections are open." },
  ],
};

export const instrumentSetKind: KindDefinition = {
  kind: 'InstrumentSet',
  plural: 'instrumentsets',
  singular: 'instrumentset',
  shortNames: ['iset'],
  writtenBy: 'user',
  description:
    'An InstrumentSet says what to stream and how: instruments by name, by selector and by option chain, the mode, Greeks, validation and delivery.',
  spec: instrumentSetSpec,
  status: instrumentSetStatus,
  rules: [
    {
      rule: 'has(self.spec.delivery.channel) || size(self.metadata.name) <= 120',
      message:
        'metadata.name is too long to be the name of a channel; give spec.delivery.channel, of at most 120 characters',
    },
  ],
  columns: [
    column('Mode', '.spec.mode', 'ltp, quote or full.'),
    readyColumn,
    reasonColumn,
    column('Requested', '.status.requested', 'Instruments that it asks for.', 'integer'),
    column('Streaming', '.status.streaming', 'Instruments that stream.', 'integer'),
    wide(column('Resolved', '.status.resolved', 'Instruments found.', 'integer')),
    wide(column('Scheduled', '.status.scheduled', 'Instruments placed on an account.', 'integer')),
    wide(column('Channel', '.status.channel', 'Where batches are published.')),
    messageColumn,
    age,
  ],
  conditions: [
    { type: 'Ready', meaning: 'Every instrument that the set asks for streams.' },
    { type: 'Resolved', meaning: 'Every instrument was found in the instrument master.' },
    { type: 'Scheduled', meaning: 'Every instrument has a place on an account.' },
    { type: 'Streaming', meaning: 'The shards have confirmed the subscription of every instrument.' },
  ],
};

export const subscriptionSliceKind: KindDefinition = {
  kind: 'SubscriptionSlice',
  plural: 'subscriptionslices',
  singular: 'subscriptionslice',
  shortNames: ['subs'],
  writtenBy: 'operator',
  description:
    'A SubscriptionSlice is one connection of one account: who serves it and what it streams. The operator writes it and shards report in its status; it is not for users to change.',
  spec: subscriptionSliceSpec,
  status: subscriptionSliceStatus,
  rules: [],
  columns: [
    column('Account', '.spec.account', 'The account.'),
    column('Connection', '.spec.connection', "Which of the account's connections.", 'integer'),
    column('Owner', '.spec.owner.shard', 'The shard that is to serve it.'),
    column('Epoch', '.spec.epoch', 'Counts changes of owner.', 'integer'),
    // kubectl shows one value of a list: that of the first shard, so it is named.
    column('Reporter', '.status.shards[0].shard', 'The first shard that reports on it.'),
    column('Phase', '.status.shards[0].phase', 'What that shard says.'),
    column('Subscribed', '.status.shards[0].subscribed', 'Instruments that it has subscribed.', 'integer'),
    wide(column('Message', '.status.shards[0].message', 'What it says is wrong.')),
    age,
  ],
  conditions: [],
};

export const kinds: readonly KindDefinition[] = [tickerAccountKind, instrumentSetKind, subscriptionSliceKind];

/** The definition of a kind of this project, or `undefined`. */
export function kindDefinition(kind: string): KindDefinition | undefined {
  return kinds.find((definition) => definition.kind === kind);
}

const schemas = new Map<string, StructuralSchema>();

/** The structural schema of a kind's whole object, made once. */
export function objectSchema(definition: KindDefinition): StructuralSchema {
  let schema = schemas.get(definition.kind);
  if (schema === undefined) {
    schema = makeObjectSchema(definition);
    schemas.set(definition.kind, schema);
  }
  return schema;
}

function makeObjectSchema({ description, spec, status, rules }: KindDefinition): StructuralSchema {
  const schema: StructuralSchema = {
    type: 'object',
    description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: `Always ${apiVersion}.` },
      kind: { type: 'string', description: 'The kind.' },
      metadata: { type: 'object' },
      spec: { description: 'What is wanted.', ...structuralSchema(spec) },
      status: { description: 'What is so; written by ticker-operator.', ...structuralSchema(status) },
    },
  };
  if (rules.length > 0) schema['x-kubernetes-validations'] = rules;
  return schema;
}
