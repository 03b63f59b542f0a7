/** `inkube etcd`: the etcd group alone, in place of etcd in tests. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import type { ListenOptions } from "../../etcd/spec.ts";
import { LoneEtcd } from "../lone-etcd.ts";
import { integer } from "./arguments.ts";
import { etcdCopyCommand } from "./etcd-copy.ts";
import { refuse } from "./failure.ts";
import { stopRequest } from "./stop-request.ts";

interface EtcdCommandOptions {
  readonly listenClientUrls: string;
  readonly dataDir?: string;
  readonly members: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly trustedCaFile?: string;
  readonly clientCertAuth?: boolean;
  readonly unsafeNoFsync?: boolean;
  readonly quotaBackendBytes: string;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const QUOTA_MAX = 2 ** 40;

export function etcdCommand(): Command {
  return new Command("etcd")
    .description("run the etcd group alone, for etcdctl and every other client of etcd, until Ctrl-C")
    .option("--listen-client-urls <url>", "of the first member; port 0 is any free one", "http://127.0.0.1:2379")
    .option("--data-dir <path>", "keep everything there, and go on from there (default: keep nothing)")
    .option("--members <count>", "1 or 3; each further one listens at the next port", "1")
    .option("--cert-file <path>", "the certificate for https")
    .option("--key-file <path>", "its key")
    .option("--trusted-ca-file <path>", "who signs the certificates of clients")
    .option("--client-cert-auth", "let in who shows such a certificate, and nobody else")
    .option("--quota-backend-bytes <bytes>", "what the store may hold; 0 is 2 GiB", "0")
    .option("--unsafe-no-fsync", "write faster, and lose what was acknowledged when the machine ends")
    .addCommand(etcdCopyCommand())
    .action(run);
}

async function run(options: EtcdCommandOptions): Promise<void> {
  const members = integer("--members", options.members, 1, 3);
  if (members === 2) throw refuse("--members takes 1 or 3: two members survive no more than one");
  const quotaBytes = integer("--quota-backend-bytes", options.quotaBackendBytes, 0, QUOTA_MAX);
  const listen = listenOf(options);
  const asked = stopRequest();
  let failed: (error: Error) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => void (failed = reject));
  failure.catch(() => undefined);
  const etcd = await LoneEtcd.start({
    members,
    dataDir: options.dataDir,
    fsync: options.unsafeNoFsync !== true,
    listen,
    ...(quotaBytes === 0 ? {} : { etcd: { quotaBytes } }),
    onFailed: (error) => failed(error),
  });
  try {
    process.stdout.write(`ready at ${(await etcd.endpoints()).join(",")}\n`);
    await Promise.race([asked, failure]);
  } finally {
    await etcd.stop();
  }
}

function listenOf(options: EtcdCommandOptions): ListenOptions {
  const text = options.listenClientUrls;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== "/")
    throw refuse(`--listen-client-urls takes one URL as http://127.0.0.1:2379, not ${JSON.stringify(text)}`);
  const place = {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || (url.protocol === "http:" ? 80 : 443)),
  };
  const { certFile, keyFile, trustedCaFile, clientCertAuth } = options;
  if (url.protocol === "http:") {
    if (certFile !== undefined || keyFile !== undefined)
      throw refuse("--cert-file and --key-file are for an https:// URL");
    if (!LOOPBACK.test(url.hostname))
      throw refuse(`${text} is beyond this machine: take https://, --cert-file and --key-file`);
    return place;
  }
  if (certFile === undefined || keyFile === undefined) throw refuse("an https:// URL needs --cert-file and --key-file");
  if (clientCertAuth === true && trustedCaFile === undefined)
    throw refuse("--client-cert-auth needs --trusted-ca-file");
  if (clientCertAuth !== true && trustedCaFile !== undefined)
    throw refuse("--trusted-ca-file is for --client-cert-auth");
  const ca = clientCertAuth === true ? { ca: read("--trusted-ca-file", trustedCaFile as string) } : {};
  return { ...place, tls: { ...ca, cert: read("--cert-file", certFile), key: read("--key-file", keyFile) } };
}

function read(option: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw refuse(`${option}: ${(error as Error).message}`);
  }
}
