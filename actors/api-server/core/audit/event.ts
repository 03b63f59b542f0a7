/** Events of `audit.k8s.io/v1`, and what of a body is told in them. Source: apiserver `pkg/audit/request.go`. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { UserInfo } from "../identity.ts";
import type { AuditedResource, AuditLevel, AuditStage } from "./policy.ts";

interface AuditUser {
  readonly username?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: UserInfo["extra"];
}

interface ObjectReference {
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly apiGroup?: string;
  readonly apiVersion: string;
  readonly resourceVersion?: string;
  readonly subresource?: string;
}

/** What a Status says, without what says that it is one. */
export interface AuditStatus {
  readonly metadata: object;
  readonly status?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly details?: object;
  readonly code: number;
}

/** With its fields in the order in which they are written. */
export interface AuditEvent {
  readonly kind: "Event";
  readonly apiVersion: "audit.k8s.io/v1";
  readonly level: AuditLevel;
  readonly auditID: string;
  readonly stage: AuditStage;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: AuditUser;
  readonly impersonatedUser?: AuditUser;
  readonly sourceIPs?: readonly string[];
  readonly userAgent?: string;
  readonly objectRef?: ObjectReference;
  readonly responseStatus?: AuditStatus;
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** @param user undefined: nobody that is known */
export function auditUser(user: UserInfo | undefined): AuditUser {
  if (user === undefined) return {};
  const { user: username, uid, groups, extra } = user;
  return {
    username,
    ...(uid === undefined || uid === "" ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra === undefined ? {} : { extra }),
  };
}

/** @param body of the request: what its URL does not tell, its object does */
export function objectReference(asked: AuditedResource, body: unknown): ObjectReference {
  const { uid, resourceVersion, ...own } = (body as KubernetesObject | undefined)?.metadata ?? {};
  const namespace = asked.namespace || own.namespace;
  const name = asked.name || own.name;
  return {
    resource: asked.resource,
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    ...(uid ? { uid } : {}),
    ...(asked.group === "" ? {} : { apiGroup: asked.group }),
    apiVersion: asked.version,
    ...(resourceVersion ? { resourceVersion } : {}),
    ...(asked.subresource === "" ? {} : { subresource: asked.subresource }),
  };
}

/** @param body of the answer; only of a Status more is told than the code */
export function auditStatus(code: number, body: unknown): AuditStatus {
  const status = body as Partial<AuditStatus> & KubernetesObject;
  if (status?.kind !== "Status" || status.apiVersion !== "v1") return { metadata: {}, code };
  const { status: outcome, message, reason, details } = status;
  return {
    metadata: {},
    ...(outcome === undefined ? {} : { status: outcome }),
    ...(message === undefined ? {} : { message }),
    ...(reason === undefined ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  };
}

/**
 * A body as it is told: never with a token that lets somebody in, and without `managedFields` where the policy says so. It is copied
 * where something is left out.
 */
export function told(body: unknown, { resource, subresource }: AuditedResource, omitManagedFields: boolean): unknown {
  const isSecretive = (resource === "serviceaccounts" && subresource === "token") || resource === "tokenreviews";
  const open = isSecretive ? withoutTokens(body) : body;
  return omitManagedFields ? withoutManagedFields(open) : open;
}

function withoutTokens(body: unknown): unknown {
  if (typeof body !== "object" || body === null) return body;
  const { spec, status } = body as { readonly spec?: object; readonly status?: object };
  const without = (part: object): object => {
    const { token: _token, ...rest } = part as { readonly token?: unknown };
    return rest;
  };
  return {
    ...body,
    ...(spec === undefined || spec === null ? {} : { spec: without(spec) }),
    ...(status === undefined || status === null ? {} : { status: without(status) }),
  };
}

/** Of an object, of those of a list, and of those in the rows of a table. */
function withoutManagedFields(body: unknown): unknown {
  if (typeof body !== "object" || body === null) return body;
  const { metadata, items, rows } = body as {
    readonly metadata?: { readonly managedFields?: unknown };
    readonly items?: readonly unknown[];
    readonly rows?: readonly { readonly object?: unknown }[];
  };
  const { managedFields, ...rest } = metadata ?? {};
  return {
    ...body,
    ...(managedFields === undefined ? {} : { metadata: rest }),
    ...(Array.isArray(items) ? { items: items.map(withoutManagedFields) } : {}),
    ...(Array.isArray(rows) ? { rows: rows.map((row) => ({ ...row, object: withoutManagedFields(row.object) })) } : {}),
  };
}
