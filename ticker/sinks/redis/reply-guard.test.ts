import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReplyGuard } from './reply-guard.ts';

const guard = (due = 1, messages = false): ReplyGuard => new ReplyGuard({ due: () => due, messages });
const check = (text: string, on = guard()): void => on.check(Buffer.from(text));

test('takes what a Redis sends, cut anywhere', () => {
  const text =
    '+OK\r\n-ERR no\r\n:-7\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n*3\r\n$2\r\n\r\n\r\n*1\r\n:1\r\n$-1\r\n$3\r\n*\r\n\r\n';
  const bytes = Buffer.from(text);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: bytes.length - 1 })), (cuts) => {
      const whole = guard(9);
      const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      for (let i = 1; i < at.length; i++) whole.check(bytes.subarray(at[i - 1], at[i]));
      // Nothing is left over: the next reply begins where the last one ended.
      expect(() => check('>', whole)).not.toThrow();
      expect(() => check('1\r\n', whole)).toThrow(/no reply/);
    }),
  );
});

test.each([
  ['what the next version of the protocol has', '>1\r\n_\r\n', /no reply/],
  ['a length without a bound', '$99999999999\r\n', /bound/],
  ['a list without a bound', '*4294967296\r\n', /bound/],
  ['a length that is none', '$-5\r\n', /bound/],
  ['a number that is none', ':1x\r\n', /no reply/],
  ['lists within lists', '*1\r\n'.repeat(9), /without an end/],
  ['a line without an end', `+${'x'.repeat(70_000)}`, /without an end/],
  ['a line that ends otherwise', '+OK\n', /end/],
  ['a second answer to one question', '+OK\r\n+OK\r\n', /to nothing/],
])('refuses %s', (_, text, why) => {
  expect(() => check(text)).toThrow(why);
});

test('messages come unasked, but have no empty part', () => {
  const message = '*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n';
  expect(() => check(message + message, guard(0, true))).not.toThrow();
  expect(() => check(message, guard(0))).toThrow(/to nothing/);
  for (const text of ['*3\r\n$-1\r\n', '$-1\r\n', '*0\r\n', '*1\r\n']) {
    expect(() => check(text, guard(0, true))).toThrow(/message/);
  }
});
