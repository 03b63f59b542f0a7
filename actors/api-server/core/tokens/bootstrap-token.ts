/**
 * Bootstrap tokens: `id.secret`, kept in a Secret of `kube-system`, by which a new node asks for its first certificate.
 * Source: `plugin/pkg/auth/authenticator/token/bootstrap`, `cluster-bootstrap/token`.
 */
import type { Secret } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { UserInfo } from "../identity.ts";
import { AUTHENTICATED } from "../identity.ts";

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const TYPE = "bootstrap.kubernetes.io/token";
const GROUP = "system:bootstrappers";
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

export interface BootstrapToken {
  readonly id: string;
  readonly secret: string;
}

/** Undefined for what is another token. */
export function bootstrapToken(token: string): BootstrapToken | undefined {
  const [, id, secret] = TOKEN.exec(token) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** `namespace/name` of the Secret. */
export function secretOfToken({ id }: BootstrapToken): string {
  return `kube-system/bootstrap-token-${id}`;
}

/** Undefined where the Secret does not vouch for who shows the token, or not any more. */
export function userOfBootstrapToken(
  { id, secret }: BootstrapToken,
  kept: Secret | undefined,
  nowMs: number,
): UserInfo | undefined {
  if (kept === undefined || kept.type !== TYPE || kept.metadata?.deletionTimestamp !== undefined) return undefined;
  const field = (name: string): string => textOf(kept.data?.[name]);
  if (!isSame(field("token-secret"), secret) || field("token-id") !== id) return undefined;
  if (isOver(field("expiration"), nowMs) || field("usage-bootstrap-authentication") !== "true") return undefined;
  const extra = field("auth-extra-groups")
    .split(",")
    .filter((group) => group !== "");
  if (!extra.every((group) => EXTRA_GROUP.test(group))) return undefined;
  return { user: `system:bootstrap:${id}`, groups: [...new Set([GROUP, ...extra])].concat(AUTHENTICATED) };
}

/** A time that can't be read is over. */
function isOver(expiration: string, nowMs: number): boolean {
  if (expiration === "") return false;
  return !RFC_3339.test(expiration) || !(Date.parse(expiration) > nowMs);
}

function textOf(base64: string | undefined): string {
  try {
    return atob(base64 ?? "");
  } catch {
    return "";
  }
}

/** In a time that tells nothing of where they differ. */
function isSame(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}
