import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A directory with an authority (`ca`), a server's and an administrator's certificate, each as `NAME.crt`, `NAME.key`. */
export async function makeCertificates(directory: string): Promise<void> {
  const certificate = async (name: string, subject: string, ...rest: string[]): Promise<void> => {
    const files = ['-keyout', join(directory, `${name}.key`), '-out', join(directory, `${name}.crt`)];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    await openssl('req', '-x509', ...key, '-days', '2', '-subj', subject, ...files, ...rest);
  };
  const signed = ['-CA', join(directory, 'ca.crt'), '-CAkey', join(directory, 'ca.key')];
  await certificate('ca', '/CN=test-authority');
  const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost';
  await certificate('server', '/CN=kube-apiserver', ...signed, '-addext', names);
  await certificate('admin', '/O=system:masters/CN=admin', ...signed, '-addext', 'extendedKeyUsage=clientAuth');
}

async function openssl(...args: string[]): Promise<void> {
  await run('openssl', args).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new Error("openssl is missing: run 'scripts/setup kubernetes'");
    throw error;
  });
}
