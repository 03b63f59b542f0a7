/** Secrets that hold a ServiceAccount's token. Source: `pkg/controller/serviceaccount/tokens_controller.go`. */
import type { Secret, ServiceAccount } from "../../../protocols/kubernetes/types/core-v1.ts";

const TYPE = "kubernetes.io/service-account-token";
const NAME = "kubernetes.io/service-account.name";
const UID = "kubernetes.io/service-account.uid";

/** Of a Secret for a token: whose it is to be. `uid`: undefined until the Secret names one. */
export interface TokenOwner {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string | undefined;
}

/** Undefined for every other Secret. */
export function tokenOwner({ type, metadata }: Secret): TokenOwner | undefined {
  const name = metadata?.annotations?.[NAME] ?? "";
  if (type !== TYPE || name === "") return undefined;
  const uid = metadata?.annotations?.[UID] ?? "";
  return { namespace: metadata?.namespace ?? "", name, uid: uid === "" ? undefined : uid };
}

export function isOwner(account: ServiceAccount | undefined, { uid }: TokenOwner): account is ServiceAccount {
  return account !== undefined && (uid === undefined || uid === account.metadata?.uid);
}

export function needsToken({ data }: Secret): boolean {
  return (data?.["token"] ?? "") === "";
}

/**
 * The Secret with what it lacks; undefined when it lacks nothing. A certificate that is not the cluster's is replaced.
 * @param rootCa PEM; empty: none is given
 * @param token undefined: it has one, or none can be had
 */
export function filledSecret(
  secret: Secret,
  account: ServiceAccount,
  rootCa: string,
  token: string | undefined,
): Secret | undefined {
  const { metadata = {}, data = {} } = secret;
  const additions: Record<string, string> = {};
  if (rootCa !== "" && data["ca.crt"] !== btoa(rootCa)) additions["ca.crt"] = btoa(rootCa);
  if ((data["namespace"] ?? "") === "") additions["namespace"] = btoa(metadata.namespace ?? "");
  if (token !== undefined && needsToken(secret)) additions["token"] = btoa(token);
  if (Object.keys(additions).length === 0) return undefined;
  const { name = "", uid = "" } = account.metadata ?? {};
  const annotations = { ...metadata.annotations, [NAME]: name, [UID]: uid };
  return { ...secret, metadata: { ...metadata, annotations }, data: { ...data, ...additions } };
}
