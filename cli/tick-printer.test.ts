import { expect, test } from 'vitest';
import { systemClock } from '../runtime/clock.ts';
import { fixturePayload, fixtures } from '../ticker/pipeline/format/fixtures.testing.ts';
import { TickPrinter, type TickPrinterOptions } from './tick-printer.ts';

const quote = fixtures.find(({ name }) => name === 'quote')!;
const heartbeat = fixtures.find(({ name }) => name === 'heartbeat')!;

function printed(format: TickPrinterOptions['format'], ...payloads: (string | Uint8Array)[]): string[] {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const printer = new TickPrinter({ clock: systemClock, write, format, linesPerSecond: Number.POSITIVE_INFINITY });
  for (const payload of payloads) printer.receive(payload);
  return lines;
}

test.each(['table', 'json', 'batches'] as const)('prints a set in Arrow as the same set in JSON: %s', (format) => {
  const lines = (['json', 'arrow'] as const).map((encoding) =>
    printed(format, '{"type":"snapshot"}', fixturePayload(quote, encoding), fixturePayload(heartbeat, encoding)),
  );
  expect(lines[1]).toEqual(lines[0]);
  expect(lines[0]!.join('\n')).toContain('NSE:M&M');
});
