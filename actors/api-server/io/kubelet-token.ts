/** By what a kubelet knows that an API server asks. */
import { createHmac } from "node:crypto";

/**
 * A token that only the kubelet at this address takes: where it listens stands in the status of its Node, and whoever can write that may
 * have named a server of his own. kube-apiserver shows a certificate in its place, which nobody can show again.
 */
export function kubeletToken(
  ofCluster: string,
  { host, port }: { readonly host: string; readonly port: number },
): string {
  return createHmac("sha256", ofCluster).update(`${host}:${port}`).digest("hex");
}
