/** `inkube etcd copy`: from inkube's group to a real etcd, or back. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import type { EtcdGatewayOptions } from "../../etcd-gateway/spec.ts";
import type { ExternalEtcdOptions } from "../external-etcd.ts";
import { checkExternalEtcd, gatewayOptions } from "../external-etcd.ts";
import { copyEtcd } from "../io/etcd-copy.ts";
import { invalidOption } from "../options.ts";
import { refuse } from "./failure.ts";

interface CopyOptions {
  readonly fromCacert?: string;
  readonly fromCert?: string;
  readonly fromKey?: string;
  readonly toCacert?: string;
  readonly toCert?: string;
  readonly toKey?: string;
}

export function etcdCopyCommand(): Command {
  return new Command("copy")
    .description(
      "copy all keys, with their values and leases, from one etcd into another, empty one; stop who writes before",
    )
    .argument("<from>", "http://host:port or https://host:port")
    .argument("<to>", "likewise")
    .option("--from-cacert <path>", "who vouches for the first")
    .option("--from-cert <path>", "the certificate that is shown to it")
    .option("--from-key <path>", "its key")
    .option("--to-cacert <path>", "who vouches for the second")
    .option("--to-cert <path>", "the certificate that is shown to it")
    .option("--to-key <path>", "its key")
    .action(async (from: string, to: string, options: CopyOptions) => {
      const { fromCacert, fromCert, fromKey, toCacert, toCert, toKey } = options;
      const source = memberAt(from, { ca: fromCacert, cert: fromCert, key: fromKey });
      const target = memberAt(to, { ca: toCacert, cert: toCert, key: toKey });
      const { keys, revision } = await copyEtcd(source, target);
      process.stdout.write(`copied ${keys} keys as they were at revision ${revision}\n`);
    });
}

function memberAt(
  endpoint: string,
  files: Readonly<Record<"ca" | "cert" | "key", string | undefined>>,
): EtcdGatewayOptions {
  const pems = Object.entries(files).flatMap(([field, path]) =>
    path === undefined ? [] : [[field, read(path)] as const],
  );
  const given: ExternalEtcdOptions = { endpoints: [endpoint], ...Object.fromEntries(pems) };
  const [member] = gatewayOptions(checkExternalEtcd(given, invalidOption));
  if (member === undefined) throw new Error("no member of one endpoint");
  return member;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw refuse(`can't read ${path}: ${(error as Error).message}`);
  }
}
