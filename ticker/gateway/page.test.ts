import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { silentLogger } from '../../runtime/log.ts';
import type { Tokens } from './access.ts';
import { TestFeed, type TestRow, testSet } from './feed.testing.ts';
import { createGateway, type Gateway } from './gateway.ts';

const executablePath = '/usr/bin/chromium';
let profile: string;
let browser: BrowserContext;
let page: Page;
let problems: string[];
let feed: TestFeed;
let gateway: Gateway;
let port = 0;

beforeAll(async () => {
  await access(executablePath).catch(() => {
    throw new Error(
      `${executablePath} is missing: install it (apt-get install chromium); these tests run in a real browser`,
    );
  });
  profile = await mkdtemp(join(tmpdir(), 'chromium-'));
  browser = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    viewport: { width: 1280, height: 800 },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}, 60_000);
afterAll(async () => {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
});

beforeEach(async () => {
  feed = new TestFeed();
  await feed.claim('nifty-weekly-uid', 'equities-uid');
  await serve();
  page = await browser.newPage();
  problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('ERR_CONNECTION')) problems.push(message.text());
  });
});
afterEach(async () => {
  await page.close();
  await gateway.close();
  expect(problems).toEqual([]);
});

async function serve(tokens?: Tokens): Promise<void> {
  gateway = createGateway({
    reader: feed.sink.reader(),
    sets: () => [testSet('nifty-weekly'), testSet('equities')],
    clock: systemClock,
    log: silentLogger,
    port,
    limits: { drain: 100 },
    tokens,
  });
  ({ port } = await gateway.listen());
}

function option(symbol: string, price: number, more: Partial<TestRow> = {}): TestRow {
  const greeks = { iv: 0.1234, delta: 0.512, gamma: 0.0008, theta: -12.5, vega: 9.75 };
  const base = { token: 1, symbol, last_price: price, close: 200, volume: 1_250_000, oi: 345_000, ...greeks };
  return { ...base, receive_time: Math.round(systemClock.now() * 1000), ...more };
}

const open = (hash = '') => page.goto(`http://127.0.0.1:${port}/${hash}`);
/** Text of a cell: the row's place, then the column's title. */
const cell = async (place: number, title: string): Promise<string> => {
  const titles = await page.locator('th').allInnerTexts();
  const index = titles.findIndex((each) => each.startsWith(title));
  return page.locator('#rows tr').nth(place).locator('td').nth(index).innerText();
};
const status = () => page.locator('#connection').innerText();
const fact = (title: string) => page.locator('#summary div', { hasText: title }).locator('b').innerText();

test('shows the latest values, then live ticks as they change', async () => {
  await feed.publish('equities', [{ symbol: 'NSE:INFY', last_price: 1500, close: 1480, receive_time: 1 }]);
  await feed.publish('nifty-weekly', [option('NFO:NIFTY26JAN24500CE', 210)]);
  await open('#default%2Fnifty-weekly');
  await expect.poll(status).toBe('live');
  await expect.poll(() => cell(0, 'LTP')).toBe('210.00');
  expect(await cell(0, 'Instrument')).toContain('NIFTY26JAN24500CE');
  expect(await cell(0, 'Change')).toBe('+5.00 %');
  expect(await cell(0, 'IV')).toBe('12.34 %');
  expect(await cell(0, 'Delta')).toBe('0.512');
  expect(await cell(0, 'Theta')).toBe('-12.50');
  expect(await cell(0, 'OI')).toMatch(/3\.45/);

  const up = option('NFO:NIFTY26JAN24500CE', 190, { iv: null, delta: null, gamma: null, theta: null, vega: null });
  await feed.publish('nifty-weekly', [up, option('NFO:NIFTY26JAN24600CE', 20.5)]);
  await expect.poll(() => cell(0, 'LTP')).toBe('190.00');
  expect(await cell(0, 'Change')).toBe('−5.00 %');
  expect(await cell(0, 'IV')).toBe('–');
  expect(await cell(1, 'LTP')).toBe('20.50');
  expect(await fact('Sequence')).toBe('complete');
  expect(await fact('Batches')).toBe('1');
});

test('another set is one click away; columns that it has not are gone', async () => {
  await feed.publish('equities', [{ symbol: 'NSE:INFY', last_price: 1500, close: 1480, receive_time: 1 }]);
  await open('#default%2Fnifty-weekly');
  await expect.poll(status).toBe('live');
  await page.getByRole('button', { name: 'equities' }).click();
  await expect.poll(() => cell(0, 'LTP')).toBe('1,500.00');
  expect(await page.locator('th').allInnerTexts()).not.toContain('IV');
  expect(new URL(page.url()).hash).toBe('#default%2Fequities');
});

test('a set in Arrow is followed by its headers, and shows the latest values', async () => {
  await open('#default%2Fnifty-weekly');
  await expect.poll(status).toBe('live');
  await feed.publishArrow('nifty-weekly', []);
  await feed.publishArrow('nifty-weekly', [option('NFO:A', 1), option('NFO:B', 5)]);
  await expect.poll(() => cell(0, 'LTP')).toBe('1.00');
  expect(await fact('Format')).toBe('Arrow');
  expect(await fact('Sequence')).toBe('complete');
  expect(await fact('Batches')).toBe('1');
  const set = 'default/'.padEnd(700, 'n');
  await feed.publishArrow('nifty-weekly', [option('NFO:A', 2)], { seq: 4, set });
  await expect.poll(() => fact('Sequence')).toBe('2 missing');
  await feed.publishArrow('nifty-weekly', [option('NFO:A', 3)], { seq: 5 });
  await expect.poll(() => cell(0, 'LTP'), { timeout: 5000 }).toBe('3.00');
});

test('a batch that did not arrive is told', async () => {
  await open('#default%2Fnifty-weekly');
  await expect.poll(status).toBe('live');
  await feed.publish('nifty-weekly', [option('NFO:A', 1)]);
  await feed.publish('nifty-weekly', [option('NFO:A', 2)], { seq: 4 });
  await expect.poll(() => fact('Sequence')).toBe('2 missing');
});

test('filters and sorts', async () => {
  await feed.publish('nifty-weekly', [option('NFO:A9', 5), option('NFO:A10', 7), option('NFO:B1', 6)]);
  await open('#default%2Fnifty-weekly');
  await expect.poll(() => page.locator('#rows tr').count()).toBe(3);
  expect(await cell(1, 'Instrument')).toContain('A10');
  await page.getByRole('button', { name: 'LTP' }).click();
  await expect.poll(() => cell(0, 'LTP')).toBe('7.00');
  await page.locator('#filter').fill('a9');
  await expect.poll(() => page.locator('#rows tr').count()).toBe(1);
  expect(await page.locator('#count').innerText()).toBe('1 instrument');
});

test('a gateway that goes is shown, and found again when it is back', async () => {
  await open('#default%2Fnifty-weekly');
  await expect.poll(status).toBe('live');
  await gateway.close();
  await expect.poll(status).not.toBe('live');
  await serve();
  await feed.publish('nifty-weekly', [option('NFO:A', 3)]);
  await expect.poll(status, { timeout: 5000 }).toBe('live');
  await expect.poll(() => cell(0, 'LTP')).toBe('3.00');
});

test('names from outside are text, never markup', async () => {
  await feed.publish('nifty-weekly', [option('NFO:<img src=x onerror=alert(1)>', 3)]);
  await open('#default%2Fnifty-weekly');
  await expect.poll(() => cell(0, 'Instrument')).toContain('<img');
  expect(await page.locator('img').count()).toBe(0);
});

test('on a phone nothing is wider than the screen but the table, which scrolls', async () => {
  await page.setViewportSize({ width: 390, height: 780 });
  await feed.publish('nifty-weekly', [option('NFO:NIFTY26JAN24500CE', 210)]);
  await open('#default%2Fnifty-weekly');
  await expect.poll(() => cell(0, 'LTP')).toBe('210.00');
  const widths = await page.evaluate('[document.documentElement.scrollWidth, innerWidth]');
  expect(widths).toEqual([390, 390]);
});

test('a gateway that wants a token asks for it once', async () => {
  await gateway.close();
  await serve({ knows: async (token) => token === 'token/of+the=desk' });
  const asked: string[] = [];
  page.on('dialog', (dialog) => {
    asked.push(dialog.message());
    void dialog.accept('token/of+the=desk');
  });
  await feed.publish('equities', [{ symbol: 'NSE:INFY', last_price: 1500, close: 1480, receive_time: 1 }]);
  await open('#default%2Fequities');
  await expect.poll(status).toBe('live');
  await expect.poll(() => cell(0, 'LTP')).toBe('1,500.00');
  expect(asked).toHaveLength(1);
  // The browser itself writes a line about the first answer.
  problems = problems.filter((problem) => !problem.includes('401'));
});
