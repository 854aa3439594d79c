import { Command } from 'commander';
import { describeError } from '../runtime/errors.ts';
import { addProcesses } from './processes.ts';
import { addRedisOptions } from './redis-options.ts';
import { version } from './version.ts';

/**
 * The command line. Each command is one file, loaded when it is called, so that `--help` stays quick and a shard does
 * not load what only the simulator needs.
 */
const program = new Command('ticker-operator')
  .description('Schedules market-data subscriptions over broker accounts and delivers live, validated ticks.')
  .version(version, '-V, --version', 'print the version')
  .showHelpAfterError('(add --help for the options)')
  .configureHelp({ showGlobalOptions: false })
  .addHelpText(
    'after',
    `
Try it, without Kubernetes, Redis or a broker login:
  $ ticker-operator standalone -f samples/ --print
  $ ticker-operator tail nifty-weekly            (in another terminal)

Errors carry a code; docs/reference/errors.md says what to do about each.`,
  );

addRedisOptions(
  program
    .command('standalone')
    .description('Run operator, shards, gateway and (where an account wants it) the simulated broker in this process'),
  'deliver to this Redis instead of memory',
)
  .requiredOption('-f, --file <path...>', 'YAML files or folders with TickerAccounts, InstrumentSets and Secrets')
  .option('--shards <n>', 'shards to run', '2')
  .option(
    '--spool <directory>',
    'keep here what the sink does not take, past memory and over a restart; off when absent',
  )
  .option('--host <address>', 'address that the gateway listens on', '127.0.0.1')
  .option('--port <n>', 'port that the gateway listens on; 0 for any free one', '8080')
  .option('--simulator-port <n>', 'port that the simulated broker listens on; 0 for any free one', '0')
  .option('--metrics-port <n>', 'port of /metrics, /healthz and /readyz; 0 for any free one, absent for none')
  .option('--seed <n>', 'seed of the simulated market', '1')
  .option('--print', 'print ticks here')
  .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent; SIGUSR2: debug, and back', 'warn')
  .addHelpText(
    'after',
    `
The YAML is read again whenever it changes, and what was applied is shown. Objects that leave the files are deleted.

An account whose endpoint names the host 'kite-simulator' reaches a simulated broker that this command starts; any
other endpoint, and none, is used as it is.

Ctrl-C drains: every batch is delivered, then a summary is printed. A second Ctrl-C ends at once.

With --spool, batches that the sink does not take go to files when memory is short, and at the end; the next start with
the same directory delivers them. Up to 1 GiB for each shard is kept; past it the oldest are dropped and counted.

Examples:
  $ ticker-operator standalone -f samples/
  $ ticker-operator standalone -f samples/ --redis redis://127.0.0.1:6379
  $ ticker-operator standalone -f samples/ --redis redis://127.0.0.1:6379 --spool /var/lib/ticker-operator
  $ ticker-operator standalone -f samples/ --redis rediss+cluster://a.example:6379,b.example:6379 --redis-ca ca.crt
  $ ticker-operator standalone -f accounts.yaml -f sets/ --shards 4 --port 9000
  $ ticker-operator standalone -f samples/ --metrics-port 9464    (then curl 127.0.0.1:9464/metrics)`,
  )
  .action(async (options) => (await import('./standalone.ts')).standaloneCommand(options));

program
  .command('simulator')
  .description("Run a simulated broker that speaks Zerodha Kite's HTTP and WebSocket protocols")
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--port <n>', 'port to listen on; 0 for any free one', '8765')
  .option('--seed <n>', 'seed of the market: the same seed gives the same ticks', '1')
  .option('--rate <n>', 'ticks a second for each subscribed instrument', '2')
  .option('--numbered', "say each tick's number of the day (UTC) as its volume, so that a reader can tell them apart")
  .option('--login <key:secret:token...>', 'logins to accept, besides the two of the samples')
  .addHelpText(
    'after',
    `
The official client works against it unmodified: give it the printed addresses as 'root'.
Faults are ordered over HTTP; GET / says how.

Examples:
  $ ticker-operator simulator
  $ ticker-operator simulator --port 9999 --rate 50 --login my-key:my-secret:my-token`,
  )
  .action(async (options) => (await import('./simulator.ts')).simulatorCommand(options));

addRedisOptions(
  program.command('tail').description('Print the ticks of a set as they arrive, and prove that none is missing'),
  'read from this Redis instead (Pub/Sub)',
)
  .argument('<set>', 'the set, as NAME or NAMESPACE/NAME')
  .option('--gateway <url>', 'read from this gateway', 'ws://127.0.0.1:8080')
  .option('--token-file <path>', 'send the first bearer token of this file to the gateway')
  .option('--channel <name>', "the set's full channel name, with --redis, where it is not ticks:NAMESPACE:NAME")
  .option('--count <n>', 'end after this many batches')
  .option('--format <format>', 'table, json (a tick a line) or batches (as received)', 'table')
  .addHelpText(
    'after',
    `
Every batch counts up by one in 'seq' for its slice; whatever is missing, repeated or told as a gap is said, and the
last line sums it up. The exit status is 1 when a batch was missing.

Examples:
  $ ticker-operator tail nifty-weekly
  $ ticker-operator tail research/banks --format json | jq .last_price
  $ ticker-operator tail equities --redis redis://127.0.0.1:6379 --count 100`,
  )
  .action(async (set, options) => (await import('./tail.ts')).tailCommand(set, options));

addRedisOptions(
  program.command('await-tick').description('Wait until a tick arrives, of one set or of any, and print it'),
  'listen to this Redis instead of a gateway',
)
  .argument('[set]', 'the set, as NAME or NAMESPACE/NAME; any set where absent')
  .option('--gateway <url>', 'listen to this gateway', 'ws://127.0.0.1:8080')
  .option('--token-file <path>', 'send the first bearer token of this file to the gateway')
  .option('--timeout <seconds>', 'how long to wait', '60')
  .addHelpText(
    'after',
    `
Heartbeats do not count. Where no tick arrives in time, what there was instead is said, and the exit status is 1. This is what
'helm test' runs.

Examples:
  $ ticker-operator await-tick
  $ ticker-operator await-tick desk/equities --redis redis://127.0.0.1:6379 --timeout 10`,
  )
  .action(async (set, options) => (await import('./await-tick.ts')).awaitTickCommand(set, options));

program
  .command('validate')
  .description('Check YAML files as admission would, without a cluster')
  .argument('<file...>', 'files or folders')
  .addHelpText(
    'after',
    '\nPrints one line for each problem, FILE:LINE:COLUMN FIELD: what is wrong, and exits with 1 where there is any.',
  )
  .action(async (files) => (await import('./validate.ts')).validateCommand(files));

addProcesses(program);

program
  .command('version')
  .description('Print the version, and those of Node and of the delivery contract')
  .action(async () => (await import('./version.ts')).versionCommand());

try {
  await program.parseAsync();
} catch (error) {
  console.error(`ticker-operator: ${describeError(error)}`);
  // What was opened before it failed must not keep the process.
  process.exit(1);
}
