export * from './instrument-set.ts';
export * from './schema.ts';
export * from './subscription-slice.ts';
export * from './ticker-account.ts';
