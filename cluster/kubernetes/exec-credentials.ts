import { type ExecFileException, execFile } from 'node:child_process';
import { z } from 'zod';
import type { Clock } from '../../runtime/clock.ts';
import type { Credential, CredentialSource } from './credentials.ts';
import { credentialsUnavailable } from './errors.ts';
import { execMargin, execTimeout, maxConfigBytes } from './limits.ts';

/** A credential plugin as a kubeconfig names it: the user's `exec`. */
export const execPlugin = z.looseObject({
  apiVersion: z.string(),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string() })).nullish(),
  installHint: z.string().nullish(),
  provideClusterInfo: z.boolean().nullish(),
});
export type ExecPlugin = z.infer<typeof execPlugin>;

const answer = z.looseObject({
  kind: z.literal('ExecCredential'),
  status: z.looseObject({
    token: z.string().optional(),
    clientCertificateData: z.string().optional(),
    clientKeyData: z.string().optional(),
    expirationTimestamp: z.string().optional(),
  }),
});

export interface ExecCredentialsOptions {
  readonly plugin: ExecPlugin;
  readonly clock: Clock;
  /** The environment that the plugin inherits. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The cluster, told to a plugin that asks for it (`provideClusterInfo`). */
  readonly cluster: Readonly<Record<string, unknown>>;
}

/**
 * Credentials of a plugin, run when there are none, shortly before they expire, and when they were refused. The
 * protocol is `client.authentication.k8s.io/v1` ("client-go credential plugins" in the documentation of Kubernetes).
 * Its output is never part of an error: it may hold a token.
 */
export class ExecCredentials implements CredentialSource {
  readonly #options: ExecCredentialsOptions;
  #last: Credential | undefined;
  /** Wall-clock time. */
  #expires = Number.POSITIVE_INFINITY;
  #running: Promise<Credential> | undefined;

  constructor(options: ExecCredentialsOptions) {
    this.#options = options;
  }

  async current(): Promise<Credential> {
    if (this.#last !== undefined && this.#options.clock.now() < this.#expires - execMargin) return this.#last;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  refused(): void {
    this.#last = undefined;
  }

  async #run(): Promise<Credential> {
    const { plugin } = this.#options;
    const output = await this.#output();
    const parsed = answer.safeParse(parseJson(output));
    if (!parsed.success) {
      throw credentialsUnavailable(`the credential plugin ${plugin.command} printed no ExecCredential with a status`);
    }
    const { token, clientCertificateData, clientKeyData, expirationTimestamp } = parsed.data.status;
    const certified = clientCertificateData !== undefined && clientKeyData !== undefined;
    if (token === undefined && !certified) {
      throw credentialsUnavailable(
        `the credential plugin ${plugin.command} gave neither a token nor a certificate and key`,
      );
    }
    const expires = expirationTimestamp === undefined ? Number.NaN : new Date(expirationTimestamp).getTime();
    this.#expires = Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires;
    this.#last = {
      ...(token === undefined ? {} : { token: token.trim() }),
      ...(certified ? { certificate: clientCertificateData, key: clientKeyData } : {}),
    };
    return this.#last;
  }

  #output(): Promise<string> {
    const { plugin, env, cluster } = this.#options;
    const spec = { interactive: false, ...(plugin.provideClusterInfo === true ? { cluster } : {}) };
    const info = { apiVersion: plugin.apiVersion, kind: 'ExecCredential', spec };
    const own = Object.fromEntries((plugin.env ?? []).map(({ name, value }) => [name, value]));
    const options = {
      env: { ...env, ...own, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
      timeout: execTimeout,
      maxBuffer: maxConfigBytes,
    };
    return new Promise((resolve, reject) => {
      const child = execFile(plugin.command, plugin.args ?? [], options, (error, stdout) => {
        if (error === null) resolve(stdout);
        else reject(credentialsUnavailable(`the credential plugin ${plugin.command} ${failure(error, plugin)}`));
      });
      // It is not interactive: nobody answers a question.
      child.stdin?.end();
    });
  }
}

function failure(error: ExecFileException, { installHint }: ExecPlugin): string {
  if (error.code === 'ENOENT') return `is not there${installHint ? `: ${installHint.slice(0, 500)}` : ''}`;
  if (error.killed === true) return `did not end within ${execTimeout} ms, or printed too much`;
  return `failed (${error.code ?? 'ended by a signal'})`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
