export * from './delivery.ts';
export * from './greeks.ts';
export * from './instrument-set.ts';
export * from './schema.ts';
export * from './selection.ts';
export * from './subscription-slice.ts';
export * from './ticker-account.ts';
export * from './validation-rules.ts';
