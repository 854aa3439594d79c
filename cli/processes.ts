import { type Command, Option } from 'commander';
import { addRedisOptions } from './redis-options.ts';

/** The three processes of a cluster: `operator`, `shard` and `gateway`. Each is loaded when it is called. */
export function addProcesses(program: Command): void {
  const operator = program
    .command('operator')
    .description('Decide which account and which shard streams what, in a cluster; of several replicas one leads')
    .addOption(podName())
    .addOption(podUid())
    .addOption(podNamespace('where its leases and the shards are'))
    .addOption(kubeconfig())
    .option('--config <file>', 'YAML of how to run the ticker pods; absent, others run them, and let them read Secrets')
    .addOption(
      new Option(
        '--market-data-token-file <path>',
        'bearer tokens for the market data of shards, one a line; sends the first',
      ),
    );
  addHttp(operator)
    .addHelpText(
      'after',
      `
Replicas elect a leader by the Lease ticker-operator-leader; a standby, its caches warm, takes over within 5 s. What is
placed streams on while no operator runs.

With --config it runs the shards too: a StatefulSet between bounds, its Service and PodDisruptionBudget, and in each
namespace with accounts the Role by which shards read their Secrets. docs/reference/operator-config.md has every field.

Examples:
  $ POD_NAME=operator-0 ticker-operator operator --kubeconfig ~/.kube/config`,
    )
    .action(async (options) => (await import('./operator.ts')).operatorCommand(options));

  const shard = program.command('shard').description('Stream the slices that the operator gives this pod to Redis');
  addRedisOptions(shard, 'deliver to this Redis; $REDIS_URL where absent')
    .addOption(podName())
    .addOption(podUid())
    .addOption(podNamespace('where its lease is'))
    .addOption(new Option('--pod-ip <address>', 'address that the operator reaches this pod at').env('POD_IP'))
    .addOption(kubeconfig())
    .option(
      '--spool <directory>',
      'keep here what Redis does not take, past memory and over a restart; off when absent',
    )
    .option('--spool-mebibytes <n>', 'what the spool may take; past it the oldest is dropped and counted', '1024')
    .option('--trace-every <n>', 'batches of which one is traced, where OTEL_EXPORTER_OTLP_ENDPOINT is set', '1000')
    .option('--handover-seconds <n>', 'how long SIGTERM streams on until other shards have taken over', '30')
    .option(
      '--market-data-token-file <path>',
      'answer market data only to who has one of these bearer tokens, one a line',
    );
  addHttp(shard)
    .addHelpText(
      'after',
      `
Its lease is renewed each second, by a thread of its own, only while the main loop answers. It needs no operator to go on,
and with a spool no API server to start. It reads the Secrets of its accounts one by one.

SIGTERM drains: the lease says so, it streams on until its slices are taken over or --handover-seconds are over, hands
everything to Redis (10 s), and seals the rest in the spool (10 s). Let terminationGracePeriodSeconds be 25 more than
--handover-seconds. A second signal ends at once.

The instrument master and prices are served to the operator at --http-port (/v1/instruments, /v1/spot).

Examples:
  $ POD_NAME=ticker-0 POD_UID=$(uuidgen) ticker-operator shard --redis redis://127.0.0.1:6379 \\
      --kubeconfig ~/.kube/config --spool /var/lib/ticker-operator`,
    )
    .action(async (options) => (await import('./shard.ts')).shardCommand(options));

  const gateway = program
    .command('gateway')
    .description('Serve any set whole over WebSocket, from Redis; any number may run beside each other');
  addRedisOptions(gateway, 'read from this Redis; $REDIS_URL where absent')
    .option('--host <address>', 'address to serve readers at', '0.0.0.0')
    .option('--port <n>', 'port to serve readers at; 0 for any free one', '8080')
    .option('--max-clients <n>', 'streams open at once; one more is answered with 503', '256')
    .option('--token-file <path>', 'serve only who has one of these bearer tokens, one a line; all when absent')
    .option('--allow-origin <origin...>', 'origins of pages elsewhere that may read, e.g. https://desk.example.com');
  addHttp(gateway)
    .addHelpText(
      'after',
      `
Needs Redis only. Readers find everything at --port, as with standalone: the console page, /v1/sets, and
/v1/stream?set=NAMESPACE/NAME over WebSocket.

With --token-file, readers send 'Authorization: Bearer TOKEN'; a page of a browser opens the WebSocket with the subprotocols
ticker.v1 and ticker.bearer.TOKEN (in base64url) instead. The file is read anew each minute.

A reader that was cut off resumes, at any replica, with from=SLICE_UID:EPOCH.CLAIM:SEQ for each slice, of the last batch
that it has; what it missed comes first, as far as the set's streams reach back.

SIGTERM closes streams with 1001 after what is queued for them; a reader connects again, to whichever replica.

Examples:
  $ ticker-operator gateway --redis redis://127.0.0.1:6379
  $ ticker-operator tail nifty-weekly --gateway ws://127.0.0.1:8080`,
    )
    .action(async (options) => (await import('./gateway.ts')).gatewayCommand(options));
}

function addHttp(command: Command): Command {
  return command
    .option('--http-host <address>', 'address of /metrics, /healthz and /readyz', '0.0.0.0')
    .option('--http-port <n>', 'port of them; 0 for any free one', '9464')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent; SIGUSR2: debug, and back', 'info')
    .option(
      '--log-level-file <path>',
      'a file that holds a level, read every few seconds; --log-level until it is there',
    );
}

function podName(): Option {
  return new Option('--pod-name <name>', 'who this is').env('POD_NAME');
}

function podUid(): Option {
  return new Option('--pod-uid <uid>', 'which pod of that name').env('POD_UID');
}

function podNamespace(what: string): Option {
  return new Option('--pod-namespace <namespace>', `${what}; the kubeconfig's or the pod's own when absent`).env(
    'POD_NAMESPACE',
  );
}

function kubeconfig(): Option {
  return new Option('--kubeconfig <path>', "how to reach the API server; the pod's service account when absent");
}
