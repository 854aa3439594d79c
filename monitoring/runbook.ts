/** The page with a section for each alert. */
export const runbookPage = 'https://github.com/ticker-operator/ticker-operator/blob/main/docs/operations.md';

/** Address of an alert's section: the anchor that Markdown makes of its heading. */
export function runbookUrl(alert: string): string {
  return `${runbookPage}#${alert.toLowerCase()}`;
}
