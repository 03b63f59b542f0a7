/**
 * Tokens in Secrets: one of the type `kubernetes.io/service-account-token` gets its account's token, the cluster's CA and its namespace,
 * and goes with the account. The token is one that the API server binds to the Secret, for as long as it gives any, so that it ends with
 * the Secret; kube-controller-manager signs one without an end by itself.
 */
import { hasReason } from "../../../protocols/api-server.ts";
import type { TokenRequest } from "../../../protocols/kubernetes/types/authentication-v1.ts";
import type { Secret, ServiceAccount } from "../../../protocols/kubernetes/types/core-v1.ts";
import { keyOf } from "../../client/core/store.ts";
import { secrets, serviceAccounts } from "../../client/resources.ts";
import { filledSecret, isOwner, needsToken, tokenOwner } from "../core/account-secret.ts";
import type { Session } from "../session.ts";

/** The most that a TokenRequest may ask for: 136 years. */
const EXPIRATION_SECONDS = 2 ** 32;
const INDEX = "token-owner";

export function serviceAccountTokenController(session: Session): void {
  session.secrets.addIndex(INDEX, (secret) => {
    const owner = tokenOwner(secret);
    return owner === undefined ? [] : [`${owner.namespace}/${owner.name}`];
  });
  const queue = session.queue("service-account-token", (key, turn) => reconcile(turn, key));
  const dropped = session.queue("service-account-secret-reference", (key, turn) => dropReference(turn, key));
  session.secrets.onChange(({ type, object }) => {
    const owner = tokenOwner(object);
    if (owner === undefined) return;
    if (type === "deleted") dropped.add(`${owner.namespace}/${owner.name}/${object.metadata?.name ?? ""}`);
    else queue.add(keyOf(object));
  });
  session.serviceAccounts.onChange(({ object }) => {
    for (const secret of session.secrets.byIndex(INDEX, keyOf(object))) queue.add(keyOf(secret));
  });
}

async function reconcile(session: Session, key: string): Promise<void> {
  const [namespace = "", name = ""] = key.split("/");
  const secret = session.secrets.get(name, namespace);
  const owner = secret === undefined ? undefined : tokenOwner(secret);
  if (secret === undefined || owner === undefined) return;
  const known = session.serviceAccounts.get(owner.name, namespace);
  // The local copy may lag: only the API's word counts.
  const account = isOwner(known, owner) ? known : await session.client.find(serviceAccounts, owner.name, namespace);
  if (isOwner(account, owner)) await fill(session, secret, account);
  else await remove(session, secret);
}

async function fill(session: Session, secret: Secret, account: ServiceAccount): Promise<void> {
  const { rootCa } = session.options;
  try {
    const token = needsToken(secret) ? await tokenFor(session, secret, account) : undefined;
    const filled = filledSecret(secret, account, rootCa, token);
    if (filled !== undefined) await session.client.update(secrets, filled);
  } catch (error) {
    // It has changed, and its change comes; or it is gone, or where it should be made is ending.
    if (!hasReason(error, "Conflict", "NotFound")) throw error;
  }
}

/** Undefined where the API server has no key to sign tokens with, or Secret and account are gone. */
async function tokenFor(session: Session, secret: Secret, account: ServiceAccount): Promise<string | undefined> {
  const { name = "", uid = "" } = secret.metadata ?? {};
  const request: TokenRequest = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    metadata: { name: account.metadata?.name ?? "", namespace: account.metadata?.namespace ?? "" },
    spec: {
      audiences: [],
      expirationSeconds: EXPIRATION_SECONDS,
      boundObjectRef: { apiVersion: "v1", kind: "Secret", name, uid },
    },
  };
  try {
    const answer = await session.client.create(serviceAccounts, request, { subresource: "token" });
    return (answer as TokenRequest).status?.token;
  } catch (error) {
    if (hasReason(error, "NotFound")) return undefined;
    throw error;
  }
}

async function remove(session: Session, secret: Secret): Promise<void> {
  const { name = "", namespace, uid } = secret.metadata ?? {};
  try {
    await session.client.delete(secrets, name, namespace, uid === undefined ? {} : { preconditions: { uid } });
  } catch (error) {
    if (!hasReason(error, "Conflict", "NotFound")) throw error;
  }
}

/** `namespace/account/secret`: the account no longer lists a Secret that is gone. */
async function dropReference(session: Session, key: string): Promise<void> {
  const [namespace = "", name = "", gone = ""] = key.split("/");
  if (session.secrets.get(gone, namespace) !== undefined) return;
  const account = await session.client.find(serviceAccounts, name, namespace);
  const left = account?.secrets?.filter((reference) => reference.name !== gone);
  if (account === undefined || left === undefined || left.length === account.secrets?.length) return;
  try {
    await session.client.update(serviceAccounts, { ...account, secrets: left });
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
}
