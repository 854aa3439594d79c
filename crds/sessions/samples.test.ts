import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { TickerAccount } from '../index.ts';
import { parseManifests } from '../manifest.ts';
import { sessionAt } from './trading-calendar.ts';

const file = 'samples/sessions/india.yaml';
const { objects, errors } = parseManifests(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'), file);

test.each([
  ['NSE', '2026-11-23 09:05', 'open', '2026-11-23 15:30'],
  ['NFO', '2026-11-23 09:05', 'closed', '2026-11-23 09:15'],
  ['BSE', '2026-11-23 15:30', 'closed', '2026-11-23 15:40'],
  ['BFO', '2026-11-23 15:30', 'closed', '2026-11-24 09:15'],
  ['MCX', '2026-11-23 20:00', 'open', '2026-11-23 23:30'],
  ['CDS', '2026-11-23 16:59', 'open', '2026-11-23 17:00'],
  ['NFO', '2026-11-08 17:59', 'closed', '2026-11-08 18:00'],
  ['MCX', '2026-11-08 18:30', 'open', '2026-11-08 19:00'],
  ['NSE', '2026-05-01 12:00', 'closed', '2026-05-04 09:00'],
  ['MCX', '2026-05-01 12:00', 'closed', '2026-05-01 17:00'],
])('%s at %s is %s until %s', (exchange, instant, state, until) => {
  expect(errors).toEqual([]);
  const { spec } = objects[0]!.object as TickerAccount;
  const time = (text: string): number => Date.parse(`${text.replace(' ', 'T')}:00+05:30`);
  expect(sessionAt(spec.sessions!, exchange, time(instant))).toMatchObject({ state, nextChange: time(until) });
});
