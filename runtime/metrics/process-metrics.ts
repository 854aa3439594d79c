import { totalmem } from 'node:os';
import { collectDefaultMetrics } from 'prom-client';
import type { LogLines } from '../log.ts';
import type { Supervisor } from '../supervisor.ts';
import type { MetricDefinition } from './definition.ts';
import type { Metrics } from './metrics.ts';

/** What every process exposes, beside the usual `process_…` and `nodejs_…` of prom-client. */
export const processMetrics = {
  buildInfo: {
    name: 'ticker_build_info',
    type: 'gauge',
    help: 'Always 1; its labels say what runs.',
    unit: '1',
    labels: { version: 'version', node: 'version' },
  },
  tasks: {
    name: 'ticker_tasks_running',
    type: 'gauge',
    help: 'Background tasks that run now, by kind.',
    unit: 'tasks',
    labels: { task: 'task' },
  },
  taskFailures: {
    name: 'ticker_task_failures_total',
    type: 'counter',
    help: 'Background tasks that ended with an error, by kind. They are restarted with backoff, or end the process.',
    unit: 'failures',
    labels: { task: 'task' },
  },
  memoryLimit: {
    name: 'ticker_memory_limit_bytes',
    type: 'gauge',
    help: "Memory that the process may use: its container's limit, or the machine's memory where there is none.",
    unit: 'bytes',
    labels: {},
  },
  logLines: {
    name: 'ticker_log_lines_total',
    type: 'counter',
    help: 'Lines logged, by level. A level that is switched off counts none.',
    unit: 'lines',
    labels: { level: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] },
  },
} as const satisfies Record<string, MetricDefinition>;

/** Deprecated ones, of which `nodejs_active_resources` says the same. */
const superseded = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
];

export interface ProcessMetricsOptions {
  readonly version: string;
  readonly supervisor: Supervisor;
  readonly logLines: LogLines;
}

/** CPU, memory, event-loop lag and garbage collection, supervised tasks, lines of the log. Once a process. */
export function registerProcessMetrics(metrics: Metrics, options: ProcessMetricsOptions): void {
  registerNodeMetrics(metrics);
  const { supervisor, logLines, version } = options;
  const buildInfo = metrics.pulled(processMetrics.buildInfo);
  const tasks = metrics.pulled(processMetrics.tasks);
  const failures = metrics.pulled(processMetrics.taskFailures);
  const lines = metrics.pulled(processMetrics.logLines);
  const limit = metrics.pulled(processMetrics.memoryLimit);
  metrics.collect(() => {
    buildInfo.add({ version, node: process.versions.node }, 1);
    limit.add({}, memoryLimit());
    for (const name of supervisor.tasks) {
      tasks.add({ task: taskKind(name) }, 1);
      failures.add({ task: taskKind(name) }, 0);
    }
    for (const [name, count] of supervisor.failures) failures.add({ task: taskKind(name) }, count);
    for (const level of processMetrics.logLines.labels.level) lines.add({ level }, logLines.count(level));
  });
}

/** Bytes. Where there is no limit the kernel names one that is beyond any machine. */
function memoryLimit(): number {
  return Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem());
}

/** The metrics of prom-client that say something of their own. */
export function registerNodeMetrics({ registry }: Metrics): void {
  collectDefaultMetrics({ register: registry });
  for (const name of superseded) registry.removeSingleMetric(name);
}

/** `slice default/a-0 0b9c…: delivery` → `slice: delivery`: what a task does, without what there is one of for each object. */
export function taskKind(name: string): string {
  const end = name.lastIndexOf(': ');
  return end < 0 ? name : `${name.slice(0, name.indexOf(' '))}: ${name.slice(end + 2)}`;
}
