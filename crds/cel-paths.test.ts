import { describe, expect, it } from 'vitest';
import { readBy } from './cel-paths.ts';

const value = {
  metadata: { name: 'a', labels: { x: 'y' } },
  spec: { delivery: { channel: 'c', stream: {} }, mode: 'full' },
  status: { shards: [] },
};

describe('readBy', () => {
  it('takes the fields that a rule names, however deep', () => {
    expect(readBy('has(self.spec.delivery.channel) || size(self.metadata.name) <= 120')(value)).toEqual({
      metadata: { name: 'a' },
      spec: { delivery: { channel: 'c' } },
    });
    expect(readBy('self.spec.mode == oldSelf.spec.mode')(value)).toEqual({ spec: { mode: 'full' } });
  });

  it('takes the whole of a field that is named with and without one within it, in either order', () => {
    const whole = { spec: value.spec };
    expect(readBy('has(self.spec.mode) && size(self.spec) > 0')(value)).toEqual(whole);
    expect(readBy('size(self.spec) > 0 && has(self.spec.mode)')(value)).toEqual(whole);
  });

  it('takes a field whole where the rule calls a function on it, or looks into it by key', () => {
    expect(readBy("self.metadata.labels.exists(l, l == 'x')")(value)).toEqual({ metadata: { labels: { x: 'y' } } });
    expect(readBy("self.metadata.labels['x'] == 'y'")(value)).toEqual({ metadata: { labels: { x: 'y' } } });
  });

  it.each(["self != 'Local'", 'self.all(key, key in [])', "self['spec'].mode == 'full'", 'size(self) > 0'])(
    'takes everything for %s',
    (rule) => expect(readBy(rule)(value)).toBe(value),
  );

  it('leaves absent what is absent, and what is no object as it is', () => {
    expect(readBy('!has(self.spec.delivery.none) || !has(self.other)')(value)).toEqual({ spec: { delivery: {} } });
    expect(readBy('has(self.spec.mode.x)')({ spec: { mode: 'full' } })).toEqual({ spec: { mode: 'full' } });
    expect(readBy('has(self.x)')('text')).toBe('text');
  });
});
