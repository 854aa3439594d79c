import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { generatedFiles, staleFiles } from './generate.ts';

describe('generated files', () => {
  it('are as committed; else run `node crds/generate.ts`', () => {
    expect(staleFiles()).toEqual([]);
  });

  it("are a CRD, the chart's copy of it and a page for each kind", () => {
    expect([...generatedFiles().keys()]).toEqual([
      'crds/tickeraccounts.yaml',
      'helm/ticker-operator/files/crds/tickeraccounts.yaml',
      'docs/reference/tickeraccount.md',
      'crds/instrumentsets.yaml',
      'helm/ticker-operator/files/crds/instrumentsets.yaml',
      'docs/reference/instrumentset.md',
      'crds/subscriptionslices.yaml',
      'helm/ticker-operator/files/crds/subscriptionslices.yaml',
      'docs/reference/subscriptionslice.md',
    ]);
  });

  it('mean the same in YAML 1.1, which kubectl reads, and 1.2', () => {
    for (const [path, text] of generatedFiles()) {
      if (!path.endsWith('.yaml')) continue;
      const [old, now] = (['1.1', '1.2'] as const).map((version) =>
        parseAllDocuments(text, { version }).map((document) => document.toJS()),
      );
      expect(old).toEqual(now);
    }
  });

  it('carry nothing that a structural schema may not have', () => {
    for (const [path, text] of generatedFiles()) {
      if (path.endsWith('.yaml'))
        expect(text).not.toMatch(/^ *(\$ref|const|anyOf|oneOf|allOf|unavailable|cel|example):/m);
    }
  });
});
