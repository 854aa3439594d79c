/** Which expiries a selector or chain asks for: the nearest ones, or dates. */
export interface ExpirySpec {
  readonly nearest?: number | undefined;
  readonly dates?: readonly string[] | undefined;
}

export interface ChosenExpiries {
  readonly chosen: readonly string[];
  /** Dates that were asked for and aren't listed, and how many of the nearest there are too few of. */
  readonly missingDates: readonly string[];
  readonly missingNearest: number;
}

/** @param available ascending, today and later */
export function chooseExpiries(spec: ExpirySpec, available: readonly string[]): ChosenExpiries {
  if (spec.dates !== undefined) {
    const listed = new Set(available);
    return {
      chosen: [...spec.dates].filter((date) => listed.has(date)).sort(),
      missingDates: [...spec.dates].filter((date) => !listed.has(date)).sort(),
      missingNearest: 0,
    };
  }
  const wanted = spec.nearest ?? 1;
  const chosen = available.slice(0, wanted);
  return { chosen, missingDates: [], missingNearest: wanted - chosen.length };
}
