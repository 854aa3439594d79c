import { dashboardJson } from './build.ts';
import { drillDown } from './drill-down.ts';
import { fleet } from './fleet.ts';
import { objectives } from './objectives.ts';
import type { DashboardSpec, PanelSpec } from './spec.ts';

export const dashboards: Readonly<Record<string, DashboardSpec>> = {
  fleet,
  'account-and-shard': drillDown,
  objectives,
};

export function panelsOf({ rows }: DashboardSpec): readonly PanelSpec[] {
  return rows.flatMap(({ panels }) => panels);
}

/** What Prometheus is asked when everything is chosen. @param interval what stands for `$__rate_interval` */
export function asked(expr: string, interval: string): string {
  return expr.replaceAll(/\$(namespace|account|shard)\b/g, '.*').replaceAll('$__rate_interval', interval);
}

/** Path from the root of the repository → text. */
export function dashboardFiles(): Map<string, string> {
  return new Map(
    Object.entries(dashboards).map(([name, spec]) => [
      `helm/ticker-operator/files/dashboards/${name}.json`,
      dashboardJson(spec),
    ]),
  );
}
