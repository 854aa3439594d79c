import { describe, expect, it } from 'vitest';
import { providerNamed, providers } from './registry.ts';

describe('the registry', () => {
  it('gives each provider by its own name', () => {
    for (const [name, provider] of providers) {
      expect(provider.name).toBe(name);
      expect(providerNamed(name)).toBe(provider);
      expect(provider.limits.connections).toBeGreaterThan(0);
      expect(provider.limits.instrumentsPerConnection).toBeGreaterThan(0);
      expect(provider.limits.quotesPerSecond).toBeGreaterThan(0);
    }
  });

  it('names the providers that there are to whoever asks for another', () => {
    expect(() => providerNamed('kit')).toThrow(
      expect.objectContaining({
        code: 'PROVIDER_UNKNOWN',
        persistence: 'terminal',
        message: expect.stringContaining('there is no provider "kit"; there are kite, mock'),
      }),
    );
  });
});
