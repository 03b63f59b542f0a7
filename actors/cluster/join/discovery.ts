/** Finds out whom to trust of a cluster that is to be joined, and what its nodes have in common. */
import { request } from "node:https";
import { InkubeError } from "../../../protocols/errors.ts";
import type { ConfigMap } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { ClusterInfo } from "./cluster-info.ts";
import { authorityHash, CLUSTER_INFO, readClusterInfo } from "./cluster-info.ts";

const TIMEOUT_MS = 10_000;
const BYTES_MAX = 1_048_576;
const OK = 200;

/** How the cluster's authority is known: by the hash of its key, or as PEM. */
export type Trust = { readonly hash: string } | { readonly authority: string };

/** Errors: CLUSTER_UNREACHABLE, CLUSTER_UNTRUSTED, INVALID_ARGUMENT. */
export async function discover(server: string, trust: Trust): Promise<ClusterInfo> {
  const answer = await read(server, "authority" in trust ? trust.authority : undefined);
  const info = answer.code === OK ? readClusterInfo(JSON.parse(answer.text) as ConfigMap) : undefined;
  // A cluster may keep that from strangers, and its authority is known without it.
  if ("authority" in trust) return { authority: trust.authority, facts: info?.facts };
  if (info === undefined) {
    const what = `${server} does not tell strangers its authority (${CLUSTER_INFO.path}: HTTP ${answer.code})`;
    throw new InkubeError("INVALID_ARGUMENT", `${what}: name a file with its certificate by --ca`);
  }
  const found = authorityHash(info.authority);
  if (found === trust.hash) return info;
  throw new InkubeError(
    "CLUSTER_UNTRUSTED",
    `${server} is not the cluster that is meant: the hash of its authority is ${found}, not ${trust.hash}`,
  );
}

/** Without an authority nobody vouches for the answer. */
function read(
  server: string,
  authority: string | undefined,
): Promise<{ readonly code: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const tls = authority === undefined ? { rejectUnauthorized: false } : { ca: authority };
    const outgoing = request(new URL(CLUSTER_INFO.path, server), { agent: false, timeout: TIMEOUT_MS, ...tls });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in time")));
    outgoing.on("error", (error: NodeJS.ErrnoException) => reject(explain(server, error)));
    outgoing.on("response", (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > BYTES_MAX) outgoing.destroy(new Error("the answer is too long"));
      });
      answer.on("end", () => resolve({ code: answer.statusCode ?? 0, text }));
      answer.on("error", (error) => reject(explain(server, error)));
    });
    outgoing.end();
  });
}

function explain(server: string, error: NodeJS.ErrnoException): InkubeError {
  const code = error.code ?? "";
  if (code.includes("CERT") || code.includes("SIGNATURE") || code.startsWith("ERR_TLS"))
    return new InkubeError(
      "CLUSTER_UNTRUSTED",
      `${server} is not vouched for by the authority given: ${error.message}`,
      {
        cause: error,
      },
    );
  return new InkubeError("CLUSTER_UNREACHABLE", `no API server answers at ${server} (${error.code ?? error.message})`, {
    retryable: true,
    cause: error,
  });
}
