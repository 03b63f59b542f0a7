/**
 * `kube-apiserver` for envtest: inkube's API alone, with the certificates, the keys and the port of its command line. What a
 * flag asks for that is not done is told on stderr.
 * Source: controller-runtime `pkg/internal/testing/controlplane`, kube-apiserver's own `--help`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { InkubeError } from "../../../protocols/errors.ts";
import type { StandIn } from "../stand-in.ts";
import { Cluster } from "../cluster.ts";
import { auditLogOf } from "../cli/audit-log.ts";
import { KUBE_APISERVER } from "./command-lines.ts";
import type { FlagValues } from "./flags.ts";
import type { EtcdData } from "./program.ts";
import { DATA_PATH, onceAsked, run } from "./program.ts";
import { tokensOf } from "./token-file.ts";

const NOT_ENFORCED = "inkube does not enforce authorization yet: whoever it knows may do everything";
/** Plugins of Kubernetes whose work is done. */
const ADMISSION = ["NamespaceLifecycle", "ServiceAccount", "Priority", "DefaultTolerationSeconds", "RuntimeClass"];

void run(KUBE_APISERVER, async (flags, tell) => {
  for (const line of unhonouredValues(flags)) tell(line);
  const data = await dataOf(flags);
  const audit = auditLogOf({
    policyFile: flags.value("audit-policy-file"),
    path: flags.value("audit-log-path"),
    maxage: flags.value("audit-log-maxage"),
    maxbackup: flags.value("audit-log-maxbackup"),
    maxsize: flags.value("audit-log-maxsize"),
  });
  const cluster = await Cluster.standIn(
    {
      masters: 1,
      workers: 0,
      controllers: false,
      spareThreads: 0,
      tolerationSeconds: 300,
      port: flags.port("secure-port") ?? 6_443,
      ...(audit === undefined ? {} : { audit }),
      ...(data === undefined ? {} : { dataDir: join(data.dataDir, "inkube") }),
    },
    { ...standInOf(flags), fsync: data?.fsync ?? false },
  );
  await onceAsked();
  await cluster.stop();
});

function unhonouredValues(flags: FlagValues): readonly string[] {
  const lines: string[] = [];
  const modes = flags.list("authorization-mode").filter((mode) => mode !== "AlwaysAllow");
  if (modes.length > 0) lines.push(`--authorization-mode=${modes.join(",")} is not honoured: ${NOT_ENFORCED}`);
  for (const name of flags.list("enable-admission-plugins")) {
    if (!ADMISSION.includes(name))
      lines.push(`--enable-admission-plugins=${name} is not honoured: inkube has no such plugin yet`);
  }
  for (const name of flags.list("disable-admission-plugins")) {
    if (name !== "ServiceAccount" && ADMISSION.includes(name)) {
      lines.push(`--disable-admission-plugins=${name} is not honoured: it can't be turned off`);
    }
  }
  return lines;
}

/** Errors: INVALID_ARGUMENT when what answers there is not inkube's etcd. */
async function dataOf(flags: FlagValues): Promise<EtcdData | undefined> {
  const [url] = flags.list("etcd-servers");
  if (url === undefined) return undefined;
  try {
    const answer = await fetch(new URL(DATA_PATH, url));
    if (answer.ok) return (await answer.json()) as EtcdData;
    throw new Error(`HTTP ${answer.status}`);
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? cause.message : message;
    throw new InkubeError(
      "INVALID_ARGUMENT",
      `--etcd-servers=${url}: inkube's etcd does not answer there (${why}); start the etcd of the folder that this kube-apiserver is in`,
      { cause: error },
    );
  }
}

function standInOf(flags: FlagValues): Omit<StandIn, "fsync"> {
  const host = flags.value("bind-address");
  const clientAuthority = optionalFile(flags, "client-ca-file");
  const signingKey = optionalFile(flags, "service-account-signing-key-file");
  const issuer = flags.value("service-account-issuer");
  const [serviceRange] = flags.list("service-cluster-ip-range");
  const serving = servingOf(flags);
  return {
    serviceAccounts: !flags.list("disable-admission-plugins").includes("ServiceAccount"),
    tokens: tokensOf(optionalFile(flags, "token-auth-file") ?? ""),
    ...(host === undefined ? {} : { host }),
    ...(clientAuthority === undefined ? {} : { clientAuthority }),
    ...(signingKey === undefined ? {} : { signingKey }),
    ...(issuer === undefined ? {} : { issuer }),
    ...(serviceRange === undefined ? {} : { serviceRange }),
    ...(serving === undefined ? {} : { serving }),
  };
}

/** The pair of the flags, or that of the folder; else one is made. */
function servingOf(flags: FlagValues): StandIn["serving"] {
  const certificate = optionalFile(flags, "tls-cert-file");
  const key = optionalFile(flags, "tls-private-key-file");
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  if (certificate !== undefined || key !== undefined) {
    throw new InkubeError("INVALID_ARGUMENT", "--tls-cert-file and --tls-private-key-file belong together");
  }
  const folder = flags.value("cert-dir");
  if (folder === undefined) return undefined;
  try {
    return {
      certificate: readFileSync(join(folder, "apiserver.crt"), "utf8"),
      key: readFileSync(join(folder, "apiserver.key"), "utf8"),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function optionalFile(flags: FlagValues, name: string): string | undefined {
  const path = flags.value(name);
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new InkubeError("INVALID_ARGUMENT", `--${name}: ${(error as Error).message}`, { cause: error });
  }
}
