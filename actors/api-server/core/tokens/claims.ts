/**
 * What a token of a ServiceAccount says (RFC 7519), and whether that still holds.
 * Source: `pkg/serviceaccount/claims.go`, `jwt.go` and `util.go`, KEP-1205 (bound tokens).
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ObjectMeta } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { UserInfo } from "../identity.ts";
import { AUTHENTICATED } from "../identity.ts";

/** Name, and uid where it is known, of an object that a token stands or falls with. */
export interface ClaimedObject {
  readonly name: string;
  readonly uid?: string;
}

/** Times are in seconds since 1970. */
export interface Claims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly iss: string;
  readonly jti: string;
  readonly "kubernetes.io": {
    readonly namespace: string;
    readonly node?: ClaimedObject;
    readonly pod?: ClaimedObject;
    readonly secret?: ClaimedObject;
    readonly serviceaccount: ClaimedObject;
    /** Use after this is told to who audits: the client does not read its token anew. */
    readonly warnafter?: number;
  };
  readonly nbf: number;
  readonly sub: string;
}

/** Another object of the cluster: its storage prefix, and its key below it. */
export type Find = (prefix: string, key: string) => KubernetesObject | undefined;

/** How far clocks may differ, and how long what is being deleted still counts. As in Kubernetes. */
const LEEWAY_MS = 60_000;
const INVALIDATED = "service account token has been invalidated";

export const ACCOUNT_PREFIX = "system:serviceaccount:";

/** Who an account is, in the words of `system:serviceaccount:<namespace>:<name>`. */
export function accountGroups(namespace: string): readonly string[] {
  return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
}

/** Of a payload that a key of ours has signed; undefined for one that is no account's. */
export function readClaims(payload: unknown): Claims | undefined {
  if (typeof payload !== "object" || payload === null) return undefined;
  const { aud, exp, iss, sub, jti = "", iat = 0, nbf = 0, "kubernetes.io": own } = payload as Partial<Claims>;
  const audiences = typeof aud === "string" ? [aud] : aud;
  if (!Array.isArray(audiences) || typeof exp !== "number" || typeof iss !== "string" || typeof sub !== "string") {
    return undefined;
  }
  const account = own?.serviceaccount;
  if (typeof own?.namespace !== "string" || typeof account?.name !== "string") return undefined;
  const { pod, node, secret, ...rest } = own;
  // To Go null is the same as nothing.
  const bound = Object.entries({ pod, node, secret }).filter(([, object]) => object !== undefined && object !== null);
  if (!bound.every(([, object]) => typeof object?.name === "string")) return undefined;
  const whole = { ...rest, ...Object.fromEntries(bound) } as Claims["kubernetes.io"];
  return { aud: audiences, exp, iat, iss, jti, "kubernetes.io": whole, nbf, sub };
}

export function userOfClaims({ jti, "kubernetes.io": own }: Claims): UserInfo {
  const { namespace, serviceaccount, pod, node } = own;
  const extra: Record<string, readonly string[]> = {};
  const tell = (what: string, value: string | undefined): void => {
    if (value) extra[`authentication.kubernetes.io/${what}`] = [value];
  };
  tell("credential-id", jti === "" ? undefined : `JTI=${jti}`);
  tell("node-name", node?.name);
  tell("node-uid", node?.uid);
  tell("pod-name", pod?.name);
  tell("pod-uid", pod?.uid);
  return {
    user: `${ACCOUNT_PREFIX}${namespace}:${serviceaccount.name}`,
    ...(serviceaccount.uid === undefined ? {} : { uid: serviceaccount.uid }),
    groups: [...accountGroups(namespace), AUTHENTICATED],
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

/** For which of the `wanted` audiences a token is; why it is for none of them. */
export function commonAudiences(
  claimed: readonly string[],
  wanted: readonly string[],
): { readonly audiences: readonly string[] } | { readonly error: string } {
  const audiences = claimed.filter((audience) => wanted.includes(audience));
  if (audiences.length > 0) return { audiences };
  return { error: `token audiences ${quoted(claimed)} is invalid for the target audiences ${quoted(wanted)}` };
}

/** As Go prints a list of strings. */
function quoted(list: readonly string[]): string {
  return `[${list.map((each) => JSON.stringify(each)).join(" ")}]`;
}

/** Why a token whose signature is good is not taken at `nowMs`; undefined when it is. */
export function faultOfClaims(claims: Claims, nowMs: number, find: Find): string | undefined {
  const { exp, nbf, iat } = claims;
  if (nowMs + LEEWAY_MS < nbf * 1_000) return "service account token is not valid yet";
  if (nowMs - LEEWAY_MS > exp * 1_000) return "service account token has expired";
  if (nowMs + LEEWAY_MS < iat * 1_000) return "service account token is issued in the future";
  const { namespace, serviceaccount, secret, pod, node } = claims["kubernetes.io"];
  const { name } = serviceaccount;
  const account = find("/registry/serviceaccounts", `${namespace}/${name}`)?.metadata;
  if (account === undefined) return `serviceaccounts ${JSON.stringify(name)} not found`;
  if (account.uid !== serviceaccount.uid) {
    return `service account UID (${account.uid}) does not match claim (${serviceaccount.uid})`;
  }
  if (isGone(account, nowMs)) return `service account ${namespace}/${name} has been deleted`;
  const bound = (prefix: string, object: ClaimedObject, what: string, claim: string): string | undefined => {
    const found = find(prefix, prefix === NODES ? object.name : `${namespace}/${object.name}`)?.metadata;
    if (found === undefined) return INVALIDATED;
    if (found.uid !== object.uid) return `${what} UID (${found.uid}) does not match ${claim} (${object.uid})`;
    return isGone(found, nowMs) ? INVALIDATED : undefined;
  };
  const ofSecret = secret && bound("/registry/secrets", secret, "secret", "service account secret ref claim");
  if (ofSecret !== undefined) return ofSecret;
  if (pod !== undefined) return bound("/registry/pods", pod, "pod", "service account pod ref claim");
  // The node of a pod is only told: the pod ends with it.
  return node && bound(NODES, node, "node", "service account node ref claim");
}

const NODES = "/registry/minions";

function isGone({ deletionTimestamp }: ObjectMeta, nowMs: number): boolean {
  return deletionTimestamp !== undefined && Date.parse(deletionTimestamp) < nowMs - LEEWAY_MS;
}
