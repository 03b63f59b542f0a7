/** `--etcd-servers` and what belongs to it, as kube-apiserver has them. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { ExternalEtcdOptions } from "../external-etcd.ts";
import { refuse } from "./failure.ts";

export interface EtcdFlags {
  readonly etcdServers?: string;
  readonly etcdCafile?: string;
  readonly etcdCertfile?: string;
  readonly etcdKeyfile?: string;
}

export function withEtcdFlags(command: Command): Command {
  return command
    .option("--etcd-servers <urls>", "an etcd cluster elsewhere in place of the cluster's own; needs --data-dir")
    .option("--etcd-cafile <path>", "the certificate of who vouches for etcd's members")
    .option("--etcd-certfile <path>", "the certificate that is shown to them")
    .option("--etcd-keyfile <path>", "its key");
}

export function externalEtcdOf(flags: EtcdFlags): ExternalEtcdOptions | undefined {
  const { etcdServers, etcdCafile, etcdCertfile, etcdKeyfile } = flags;
  const files = { ca: etcdCafile, cert: etcdCertfile, key: etcdKeyfile };
  const given = Object.entries(files).filter(([, path]) => path !== undefined);
  if (etcdServers === undefined) {
    if (given.length > 0) throw refuse("--etcd-cafile, --etcd-certfile and --etcd-keyfile belong to --etcd-servers");
    return undefined;
  }
  const texts = given.map(([field, path]) => [field, read(path ?? "")] as const);
  return { endpoints: etcdServers.split(",").map((url) => url.trim()), ...Object.fromEntries(texts) };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw refuse(`can't read ${path}: ${(error as Error).message}`);
  }
}
