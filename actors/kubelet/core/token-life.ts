/** Tokens of ServiceAccounts that a pod's volumes ask for, and when each is to be fetched anew. Source: `pkg/kubelet/token`. */
import type { Pod, ServiceAccountTokenProjection } from "../../../protocols/kubernetes/types/core-v1.ts";

/** What `expirationSeconds` is where a projection does not say. */
const EXPIRATION_SECONDS_DEFAULT = 3_600;
const DAY_MS = 24 * 3_600_000;
/** Share of a token's life after which it is fetched anew. */
const RENEWED_AFTER = 0.8;
/** Tokens of one moment are not all fetched in one moment. */
export const JITTER_MS = 10_000;

export interface TokenWish {
  /** Empty: the API servers. */
  readonly audience: string;
  readonly expirationSeconds: number;
}

export interface HeldToken {
  readonly token: string;
  /** Since 1970. */
  readonly expiresMs: number;
  readonly renewMs: number;
}

export function wishOf({ audience = "", expirationSeconds }: ServiceAccountTokenProjection): TokenWish {
  return { audience, expirationSeconds: expirationSeconds ?? EXPIRATION_SECONDS_DEFAULT };
}

/** Each once. */
export function wishesOf(pod: Pod): readonly TokenWish[] {
  const wishes = new Map<string, TokenWish>();
  for (const { projected } of pod.spec?.volumes ?? []) {
    for (const { serviceAccountToken } of projected?.sources ?? []) {
      if (serviceAccountToken === undefined) continue;
      const wish = wishOf(serviceAccountToken);
      wishes.set(wishKey(wish), wish);
    }
  }
  return [...wishes.values()];
}

export function wishKey({ audience, expirationSeconds }: TokenWish): string {
  return `${expirationSeconds} ${audience}`;
}

/** @param jitterMs by how much earlier than need be, below `JITTER_MS` */
export function heldToken(token: string, expirationSeconds: number, expiresMs: number, jitterMs: number): HeldToken {
  const lifeMs = expirationSeconds * 1_000;
  const renewMs = expiresMs - lifeMs + Math.min(lifeMs * RENEWED_AFTER, DAY_MS) - jitterMs;
  return { token, expiresMs, renewMs };
}
