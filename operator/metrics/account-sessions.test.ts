import { expect, test } from 'vitest';
import { AccountSessions } from './account-sessions.ts';

const india = {
  timezone: 'Asia/Kolkata',
  hours: [
    { exchanges: ['NSE'], days: ['Mon'], open: '09:15', close: '15:30' },
    { exchanges: ['MCX'], days: ['Mon'], open: '09:00', close: '23:30' },
  ],
} satisfies Parameters<AccountSessions['open']>[0][number]['sessions'];
const at = (time: string): number => Date.parse(`2026-01-05T${time}:00+05:30`);
const account = (exchanges: string[]) => [{ account: 'desk/a', sessions: india, exchanges }];

test('an account has a session while an exchange that it streams has one', () => {
  const sessions = new AccountSessions();
  expect(sessions.open(account(['NSE']), at('09:14'))).toEqual(new Map([['desk/a', false]]));
  expect(sessions.open(account(['NSE']), at('09:15'))).toEqual(new Map([['desk/a', true]]));
  expect(sessions.open(account(['NSE']), at('16:00'))).toEqual(new Map([['desk/a', false]]));
  expect(sessions.open(account(['NSE', 'MCX']), at('16:00'))).toEqual(new Map([['desk/a', true]]));
});

test('one that streams nothing has a session while any exchange of its calendar has one; one without a calendar, always', () => {
  const sessions = new AccountSessions();
  expect(sessions.open(account([]), at('20:00'))).toEqual(new Map([['desk/a', true]]));
  expect(sessions.open(account([]), at('23:30'))).toEqual(new Map([['desk/a', false]]));
  const none = [{ account: 'desk/b', sessions: undefined, exchanges: ['NSE'] }];
  expect(sessions.open(none, at('03:00'))).toEqual(new Map([['desk/b', true]]));
});

test('a changed calendar counts at once', () => {
  const sessions = new AccountSessions();
  expect(sessions.open(account(['NSE']), at('10:00')).get('desk/a')).toBe(true);
  const changed = [
    { account: 'desk/a', sessions: { ...india, holidays: [{ date: '2026-01-05' }] }, exchanges: ['NSE'] },
  ];
  expect(sessions.open(changed, at('10:00')).get('desk/a')).toBe(false);
});
