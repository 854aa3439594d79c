import { CodedError, describeError } from '../runtime/errors.ts';
import { demoLogins } from '../ticker/providers/kite/simulator/logins.ts';
import { createSimulator } from '../ticker/providers/kite/simulator/simulator.ts';
import { badOption, wholeNumber } from './options.ts';

interface Options {
  readonly host: string;
  readonly port: string;
  readonly seed: string;
  readonly rate: string;
  readonly numbered?: boolean;
  readonly login?: readonly string[];
}

/** Runs the simulated broker until it is interrupted. */
export async function simulatorCommand(options: Options): Promise<void> {
  const own = (options.login ?? []).map(parseLogin);
  const simulator = createSimulator({
    host: options.host,
    port: wholeNumber(options.port, '--port', 0, 65_535),
    seed: wholeNumber(options.seed, '--seed', 0, 0xffff_ffff),
    rate: wholeNumber(options.rate, '--rate', 1, 1000),
    numbered: options.numbered ?? false,
    logins: own,
  });
  const { url, websocketUrl } = await simulator.start();
  console.log(`rest       ${url}`);
  console.log(`websocket  ${websocketUrl}`);
  console.log(`logins     ${[...demoLogins, ...own].map(({ apiKey }) => apiKey).join(', ')}`);
  const stop = (): void => {
    simulator.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(describeError(error));
        process.exit(error instanceof CodedError ? 1 : 70);
      },
    );
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

function parseLogin(text: string) {
  const [apiKey, apiSecret, accessToken, more] = text.split(':');
  if (!apiKey || !apiSecret || !accessToken || more !== undefined) {
    throw badOption('--login wants KEY:SECRET:TOKEN');
  }
  return { apiKey, apiSecret, accessToken, userId: apiKey.toUpperCase().slice(0, 8) };
}
