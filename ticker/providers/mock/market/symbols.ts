import type { Expiry } from './expiries.ts';

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const weeklyMonths = '123456789OND';

/** `NIFTY26NOVFUT`. */
export function futureSymbol(name: string, expiry: Expiry): string {
  return `${name}${monthCode(expiry)}FUT`;
}

/** `NIFTY26NOV24000CE` for a monthly expiry, `NIFTY26N1024000CE` for a weekly one. */
export function optionSymbol(name: string, expiry: Expiry, strike: number, type: 'CE' | 'PE'): string {
  return `${name}${expiry.monthly ? monthCode(expiry) : weekCode(expiry)}${strike}${type}`;
}

function monthCode({ date }: Expiry): string {
  return date.slice(2, 4) + months[Number(date.slice(5, 7)) - 1]!;
}

function weekCode({ date }: Expiry): string {
  return date.slice(2, 4) + weeklyMonths[Number(date.slice(5, 7)) - 1]! + date.slice(8, 10);
}
