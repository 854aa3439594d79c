import { createGateway } from '../ticker/gateway/gateway.ts';
import { registerGatewayMetrics } from '../ticker/metrics/gateway-metrics.ts';
import { RedisReader } from '../ticker/sinks/redis/redis-reader.ts';
import { wholeNumber } from './options.ts';
import { type HostOptions, ProcessHost } from './process/host.ts';
import { redisOptions } from './process/redis.ts';
import { RedisSets } from './process/redis-sets.ts';
import { SinkWatch } from './process/sink-watch.ts';
import { tokensOf } from './process/tokens.ts';
import type { RedisCliOptions } from './redis-options.ts';

interface Options extends HostOptions, RedisCliOptions {
  readonly host: string;
  readonly port: string;
  readonly allowOrigin?: readonly string[];
  readonly tokenFile?: string;
  readonly maxClients: string;
}

/** Milliseconds between looks at which sets there are. */
const setsInterval = 500;

/** Serves the sets that Redis holds until it is asked to end. */
export async function gatewayCommand(options: Options): Promise<void> {
  const host = new ProcessHost('gateway', options);
  const { clock, log, metrics, supervisor } = host;
  const reader = new RedisReader(await redisOptions(options, host));
  const tokens = await tokensOf(options.tokenFile, host);
  const sets = new RedisSets(reader, clock, log);
  const watch = new SinkWatch(() => sets.refresh(), clock, log, setsInterval);
  const gateway = createGateway({
    reader,
    sets: () => sets.current,
    clock,
    log,
    host: options.host,
    port: wholeNumber(options.port, '--port', 0, 65_535),
    tokens,
    limits: { maxClients: wholeNumber(options.maxClients, '--max-clients', 1, 100_000) },
    allowedOrigins: options.allowOrigin ?? [],
    requestPrefix: host.random.integer(0x1_0000_0000).toString(16).padStart(8, '0'),
  });
  registerGatewayMetrics(metrics, gateway);
  await host.serve({ ready: () => [watch.check] });
  const { port } = await gateway.listen();
  log.info({ event: 'gateway.listening', port }, 'serving readers');
  supervisor.run('sets', (signal) => watch.run(signal));
  const status = await host.ended;
  await gateway.close();
  await reader.close();
  await host.exit(status);
}
