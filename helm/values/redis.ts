import { z } from 'zod';
import { objectName, quantity, resources, secretKey, text, value } from './nodes.ts';

const auth = z
  .strictObject({
    secretName: value(objectName.default(''), 'The Secret; no login where empty.'),
    usernameKey: value(secretKey.default('username'), 'Its key with the user, which may be absent.'),
    passwordKey: value(secretKey.default('password'), 'Its key with the password.'),
  })
  .prefault({});

const ca = z
  .strictObject({
    secretName: value(objectName.default(''), 'The Secret; the usual authorities where empty.'),
    key: value(secretKey.default('ca.crt'), 'Its key with the PEM file.'),
  })
  .prefault({});

const clientCertificate = z
  .strictObject({
    secretName: value(objectName.default(''), 'The Secret; none is shown where empty.'),
    certKey: value(secretKey.default('tls.crt'), 'Its key with the certificate.'),
    keyKey: value(secretKey.default('tls.key'), 'Its key with the private key.'),
  })
  .prefault({});

const trial = z
  .strictObject({
    enabled: value(z.boolean().default(false), 'Run it, instead of `redis.url`.'),
    image: value(
      z
        .strictObject({
          repository: value(z.string().min(1).default('docker.io/library/redis'), 'Without a tag.'),
          tag: value(z.string().min(1).default('7.2-bookworm'), 'Any Redis of version 7.'),
        })
        .prefault({}),
      'Its image.',
    ),
    maxMemoryMebibytes: value(
      z.int().min(16).max(65_536).default(256),
      'What it may keep. Past it Redis refuses writes, and the shards spool.',
    ),
    persistence: value(
      z
        .strictObject({
          enabled: value(
            z.boolean().default(false),
            'Keep its append-only file on a claim; else it goes with the pod.',
          ),
          size: value(quantity.default('2Gi'), 'Size of the claim, and bound of the file without one.'),
          storageClassName: value(objectName.default(''), "The cluster's default where empty."),
        })
        .prefault({}),
      'Where its append-only file lies.',
    ),
    resources: resources({ cpu: '50m', memory: '64Mi' }, { memory: '512Mi' }),
  })
  .prefault({});

/** Where the ticks go. */
export const redis = z
  .strictObject({
    url: value(
      text(
        /^(rediss?(\+cluster)?:\/\/[^@\s?#]+)?$/,
        'is no address of Redis: write redis[s]://HOST[:PORT][/DATABASE] or redis[s]+cluster://HOST[:PORT],HOST…, without a login, which redis.auth.secretName brings',
      ).default(''),
      'redis[s]://HOST[:PORT][/DATABASE], or redis[s]+cluster://HOST[:PORT],HOST…; no password here. Required but with `redis.trial`.',
    ),
    auth: value(auth, "A Secret of the release's namespace with the login, where Redis wants one."),
    ca: value(
      ca,
      'A Secret with the authorities that sign the servers of a rediss URL, where they are not the usual ones.',
    ),
    clientCertificate: value(clientCertificate, 'A Secret with a certificate to show to the servers of a rediss URL.'),
    serverName: value(
      z.string().max(253).default(''),
      'Name that the certificates of the servers must have, where it is not the host of the URL.',
    ),
    trial: value(trial, 'A small Redis of our own, to try things with: one pod, no login, no TLS.'),
  })
  .prefault({});
