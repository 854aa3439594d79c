import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { allAlerts } from './rules.ts';
import { runbookUrl } from './runbook.ts';

const page = readFileSync(new URL('../docs/operations.md', import.meta.url), 'utf8');
/** Heading → text up to the next one. */
const sections = new Map(
  page
    .split(/^#+ /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section.slice(section.indexOf('\n'))]),
);
/** As Markdown makes anchors of headings. */
const anchors = new Set([...sections.keys()].map((heading) => heading.toLowerCase().replaceAll(' ', '-')));

test.each(allAlerts.map(({ name }) => name))(
  '%s has a section that says what it means, what to look at, what to do',
  (name) => {
    expect(anchors).toContain(new URL(runbookUrl(name)).hash.slice(1));
    const section = sections.get(name) ?? '';
    for (const part of ['Means', 'Look at', 'Do'])
      expect(section).toMatch(new RegExp(`^- \\*\\*${part}\\*\\*: \\S.{10,}[.]$`, 'm'));
  },
);

test('no section is about an alert that is none, and every link within the page leads somewhere', () => {
  const names = new Set(allAlerts.map(({ name }) => name));
  expect([...sections.keys()].filter((heading) => /^Ticker[A-Z]/.test(heading) && !names.has(heading))).toEqual([]);
  const links = [...page.matchAll(/\]\(#([\w-]+)\)/g)].map(([, anchor = '']) => anchor);
  expect(links.filter((anchor) => !anchors.has(anchor))).toEqual([]);
});
