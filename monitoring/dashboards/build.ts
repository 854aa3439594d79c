import * as common from '@grafana/grafana-foundation-sdk/common';
import { LegendDisplayMode, TooltipDisplayMode } from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import { runbookUrl } from '../runbook.ts';
import type { DashboardSpec, PanelSpec, Query } from './spec.ts';

/** Dashboards as Grafana reads them, by its own builders. */

const datasource = { type: 'prometheus', uid: '$datasource' };

function target({ expr, legend }: Query, index: number, instant: boolean): DataqueryBuilder {
  const query = new DataqueryBuilder()
    .datasource(datasource)
    .refId(String.fromCharCode(65 + index))
    .expr(expr)
    .legendFormat(legend);
  return instant ? query.instant() : query.range();
}

/** Green, yellow and red, in the order of their values. */
function thresholds({ thresholds: given }: PanelSpec): ThresholdsConfigBuilder {
  const config = new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute);
  if (given === undefined) return config.steps([{ value: null, color: 'green' }]);
  const { yellow, red, down } = given;
  const middle = yellow === undefined ? [] : [{ value: down ? red : yellow, color: 'yellow' }];
  if (!down) return config.steps([{ value: null, color: 'green' }, ...middle, { value: red, color: 'red' }]);
  return config.steps([{ value: null, color: 'red' }, ...middle, { value: yellow ?? red, color: 'green' }]);
}

function links({ alert }: PanelSpec): DashboardLinkBuilder[] {
  if (alert === undefined) return [];
  return [
    new DashboardLinkBuilder(`Runbook: ${alert}`).type(DashboardLinkType.Link).url(runbookUrl(alert)).targetBlank(true),
  ];
}

function panel(spec: PanelSpec): stat.PanelBuilder | statetimeline.PanelBuilder | timeseries.PanelBuilder {
  const { kind, title, description, queries, unit, noValue, max } = spec;
  const dress = <T extends stat.PanelBuilder | statetimeline.PanelBuilder | timeseries.PanelBuilder>(made: T): T => {
    made.title(title).description(description).datasource(datasource).unit(unit).thresholds(thresholds(spec));
    made.targets(queries.map((query, index) => target(query, index, kind === 'stat'))).links(links(spec));
    if (noValue !== undefined) made.noValue(noValue);
    return made;
  };
  switch (kind) {
    case 'stat':
      return dress(new stat.PanelBuilder())
        .span(spec.span ?? 4)
        .height(4)
        .colorMode(common.BigValueColorMode.Value)
        .graphMode(common.BigValueGraphMode.None)
        .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']));
    case 'timeline':
      return dress(new statetimeline.PanelBuilder())
        .span(spec.span ?? 12)
        .height(8);
    case 'graph': {
      const made = dress(new timeseries.PanelBuilder())
        .span(spec.span ?? 8)
        .height(8)
        .min(0)
        .fillOpacity(5)
        .tooltip(new common.VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(common.SortOrder.Descending))
        .legend(
          new common.VizLegendOptionsBuilder()
            .displayMode(LegendDisplayMode.Table)
            .placement(common.LegendPlacement.Bottom)
            .calcs(['lastNotNull', 'max']),
        );
      if (max !== undefined) made.max(max);
      if (spec.thresholds === undefined) return made;
      const style = new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed);
      return made.thresholdsStyle(style);
    }
  }
}

function variable(name: 'namespace' | 'account' | 'shard', query: string): QueryVariableBuilder {
  return (
    new QueryVariableBuilder(name)
      .label(name[0]?.toUpperCase() + name.slice(1))
      .datasource(datasource)
      .query(query)
      .refresh(VariableRefresh.OnTimeRangeChanged)
      .sort(VariableSort.AlphabeticalAsc)
      .multi(true)
      .includeAll(true)
      // Also what has no such label: a standalone process has no namespace.
      .allValue('.*')
      .current({ selected: true, text: 'All', value: '$__all' })
  );
}

const variableQueries = {
  account: 'label_values(ticker_session_open{namespace=~"$namespace"}, account)',
  shard: 'label_values(ticker_lease_renewal_age_seconds{namespace=~"$namespace"}, shard)',
} as const;

/** The dashboard's JSON, as Grafana's sidecar and its import page take it. Ends with a newline. */
export function dashboardJson(spec: DashboardSpec): string {
  const builder = new DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags(['ticker-operator'])
    .refresh('30s')
    .time({ from: 'now-3h', to: 'now' })
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder('ticker-operator')
        .type(DashboardLinkType.Dashboards)
        .tags(['ticker-operator'])
        .includeVars(true)
        .keepTime(true),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(variable('namespace', 'label_values(ticker_build_info, namespace)'));
  for (const name of spec.variables) builder.withVariable(variable(name, variableQueries[name]));
  for (const { title, panels } of spec.rows) {
    builder.withRow(new RowBuilder(title));
    for (const each of panels) builder.withPanel(panel(each));
  }
  return `${JSON.stringify(builder.build(), undefined, 2)}\n`;
}
