/** Before a cluster is started on an etcd elsewhere: whether that answers, and is one that can be used. */
import { InkubeError } from "../../../protocols/errors.ts";
import { grpcTransport } from "../../etcd-gateway/io/grpc-transport.ts";
import type { EtcdGatewayOptions } from "../../etcd-gateway/spec.ts";
import type { ExternalEtcd } from "../external-etcd.ts";
import { gatewayOptions } from "../external-etcd.ts";

const TIMEOUT_MS = 5_000;
/** The oldest that its makers still mend, and that was tried. */
const OLDEST: readonly [major: number, minor: number] = [3, 4];

/** Resolves when one member answers. Errors: ETCD_UNREACHABLE, with what each says; INVALID_OPTION for one that is too old. */
export async function checkEtcd(external: ExternalEtcd): Promise<void> {
  const asked = await Promise.allSettled(gatewayOptions(external).map(versionOf));
  const versions = asked.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  for (const version of versions) {
    const [major = 0, minor = 0] = version.split(".").map(Number);
    if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) continue;
    const what = `etcd ${version} is too old: ${OLDEST.join(".")} or later can be used`;
    throw new InkubeError("INVALID_OPTION", `etcd.endpoints: ${what}`, { details: { option: "etcd.endpoints" } });
  }
  if (versions.length > 0) return;
  const reasons = asked.map((each, index) => {
    const { message = "" } = each.status === "rejected" ? (each.reason as Error) : {};
    return `${external.endpoints[index]}: ${message}`;
  });
  throw new InkubeError("ETCD_UNREACHABLE", `no member of etcd answers:\n${reasons.join("\n")}`, { retryable: true });
}

async function versionOf(options: EtcdGatewayOptions): Promise<string> {
  const transport = grpcTransport(options);
  try {
    const { version } = await transport.call("/etcdserverpb.Maintenance/Status", {}, { timeoutMs: TIMEOUT_MS });
    return version;
  } finally {
    transport.close();
  }
}
