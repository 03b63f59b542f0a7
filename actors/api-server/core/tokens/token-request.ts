/**
 * `serviceaccounts/<name>/token`: what is asked for, checked and completed, and the claims that come of it.
 * Source: `pkg/registry/core/serviceaccount/storage/token.go` and `pkg/apis/authentication/validation`.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { Node, Pod, ServiceAccount } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { TokenRequest, TokenRequestSpec } from "../../../../protocols/kubernetes/types/authentication-v1.ts";
import type { ObjectMeta, StatusCause } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import { badRequest, conflict, invalid, notFound } from "../machinery/status.ts";
import { formatTime } from "../machinery/time.ts";
import { FieldErrors } from "../machinery/validation/field-errors.ts";
import type { ClaimedObject, Claims, Find } from "./claims.ts";
import { ACCOUNT_PREFIX } from "./claims.ts";

const KIND = { group: "authentication.k8s.io", kind: "TokenRequest" };
const EXPIRATION_SECONDS_DEFAULT = 3_600;
const EXPIRATION_SECONDS_MIN = 600;
const EXPIRATION_SECONDS_MAX = 2 ** 32;
/** What the volume that admission adds to pods asks for: such a token lives for a year, so that a client that never reads it anew goes on. */
export const POD_EXPIRATION_SECONDS = 3_607;
const EXTENDED_SECONDS = 365 * 24 * 3_600;

export interface TokenTerms {
  readonly issuer: string;
  /** Of the API servers; a request that names none is for these. */
  readonly audiences: readonly string[];
  /** No token lives longer; absent: no limit but that of the API. */
  readonly maxExpirationSeconds?: number;
  /** Whether a pod's own token lives for a year. As kube-apiserver's `--service-account-extend-token-expiration`. */
  readonly extendExpiration: boolean;
}

export interface TokenOrder {
  readonly claims: Claims;
  readonly warnings: readonly string[];
  /** Without its token yet. */
  readonly answer: TokenRequest;
}

/** A request about the account of another name is refused before that account is looked for. */
export function checkTokenName(request: TokenRequest, name: string): void {
  const given = request.metadata?.name;
  if (!given || given === name) return;
  const errors = new FieldErrors();
  errors.invalid("metadata.name", given, "must match the service account name if specified");
  throw invalid(KIND, name, errors.causes);
}

/**
 * What `account` gets.
 * @param jti names the token
 * @throws Status 422, 404 for an object that is not there, 409 for another one of its name, 400 for one that nothing binds to
 */
export function orderToken(
  request: TokenRequest,
  account: ServiceAccount,
  terms: TokenTerms,
  { find, nowMs, jti }: { readonly find: Find; readonly nowMs: number; readonly jti: string },
): TokenOrder {
  const { name = "", namespace = "", uid } = account.metadata ?? {};
  const { managedFields } = request.metadata ?? {};
  const given = request.spec ?? {};
  const spec = {
    ...given,
    audiences: given.audiences?.length ? given.audiences : terms.audiences,
    expirationSeconds: given.expirationSeconds ?? EXPIRATION_SECONDS_DEFAULT,
  };
  const causes = causesOf(spec);
  if (causes.length > 0) throw invalid(KIND, "", causes);
  const bound = given.boundObjectRef && boundObjects(given.boundObjectRef, name, namespace, find);
  const { maxExpirationSeconds: maxSeconds = Infinity } = terms;
  const isShortened = spec.expirationSeconds > maxSeconds;
  const warnings = isShortened
    ? [`requested expiration of ${spec.expirationSeconds} seconds shortened to ${maxSeconds} seconds`]
    : [];
  const seconds = isShortened ? maxSeconds : spec.expirationSeconds;
  const isExtended =
    terms.extendExpiration &&
    bound?.pod !== undefined &&
    seconds === POD_EXPIRATION_SECONDS &&
    spec.audiences.every((audience) => terms.audiences.includes(audience));
  const iat = Math.floor(nowMs / 1_000);
  const claims: Claims = {
    aud: spec.audiences,
    exp: iat + (isExtended ? EXTENDED_SECONDS : seconds),
    iat,
    iss: terms.issuer,
    jti,
    "kubernetes.io": {
      namespace,
      ...bound,
      serviceaccount: claimed(account.metadata),
      ...(isExtended ? { warnafter: iat + seconds } : {}),
    },
    nbf: iat,
    sub: `${ACCOUNT_PREFIX}${namespace}:${name}`,
  };
  const answer = {
    kind: KIND.kind,
    apiVersion: `${KIND.group}/v1`,
    metadata: {
      name,
      namespace,
      ...(uid === undefined ? {} : { uid }),
      creationTimestamp: formatTime(nowMs),
      ...(managedFields === undefined ? {} : { managedFields }),
    },
    spec: {
      audiences: spec.audiences,
      expirationSeconds: seconds,
      // The API has a null here and no absence.
      boundObjectRef: (given.boundObjectRef ?? null) as TokenRequestSpec["boundObjectRef"] & object,
    },
    status: { expirationTimestamp: formatTime((iat + seconds) * 1_000) },
  };
  return { claims, warnings, answer };
}

function causesOf(spec: TokenRequestSpec & { readonly expirationSeconds: number }): readonly StatusCause[] {
  const errors = new FieldErrors();
  const { expirationSeconds: seconds, attestations = {} } = spec;
  const field = "spec.expirationSeconds";
  if (seconds < EXPIRATION_SECONDS_MIN) {
    errors.invalid(field, seconds, "may not specify a duration less than 10 minutes");
  }
  if (seconds > EXPIRATION_SECONDS_MAX) {
    errors.invalid(field, seconds, "may not specify a duration larger than 2^32 seconds");
  }
  if (Object.keys(attestations).length > 0) {
    const why = "attestations may only be specified with a webhook bound object reference";
    errors.invalid("spec.attestations", attestations, why);
  }
  return errors.causes;
}

type Bound = Pick<Claims["kubernetes.io"], "node" | "pod" | "secret">;

/** What the token is to end with. */
function boundObjects(
  ref: NonNullable<TokenRequestSpec["boundObjectRef"]>,
  account: string,
  namespace: string,
  find: Find,
): Bound {
  const { kind = "", apiVersion = "", name = "", uid } = ref;
  const object = (prefix: string, resource: string, key: string): KubernetesObject => {
    const found = find(prefix, key);
    if (found === undefined) throw notFound({ group: "", resource }, name);
    return found;
  };
  const checked = (metadata: ObjectMeta | undefined): ClaimedObject => {
    if (uid === undefined || uid === "" || uid === metadata?.uid) return claimed(metadata);
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict({ group: "", resource: kind }, name, why);
  };
  const key = `${namespace}/${name}`;
  if (apiVersion === "v1" && kind === "Pod") {
    const pod = object("/registry/pods", "pods", key) as Pod;
    if ((pod.spec?.serviceAccountName ?? "") !== account) {
      const who = JSON.stringify(account);
      throw badRequest(
        `cannot bind token for serviceaccount ${who} to pod running with different serviceaccount name.`,
      );
    }
    const own = checked(pod.metadata);
    const nodeName = pod.spec?.nodeName;
    if (!nodeName) return { pod: own };
    const node = find("/registry/minions", nodeName) as Node | undefined;
    return { node: node === undefined ? { name: nodeName } : claimed(node.metadata), pod: own };
  }
  if (apiVersion === "v1" && kind === "Node") {
    return { node: checked(object("/registry/minions", "nodes", name).metadata) };
  }
  if (apiVersion === "v1" && kind === "Secret") {
    return { secret: checked(object("/registry/secrets", "secrets", key).metadata) };
  }
  throw badRequest(`cannot bind token to object of type ${typeText(apiVersion, kind)}`);
}

/** As Go prints a GroupVersionKind. */
function typeText(apiVersion: string, kind: string): string {
  const slash = apiVersion.indexOf("/");
  const [group, version] = slash < 0 ? ["", apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
  return `${group}/${version}, Kind=${kind}`;
}

function claimed({ name = "", uid }: ObjectMeta = {}): ClaimedObject {
  return uid === undefined ? { name } : { name, uid };
}

/** The request with the default of the time that it asks for. */
export function withExpiration(request: TokenRequest): TokenRequest {
  const { spec } = request;
  return { ...request, spec: { ...spec, expirationSeconds: spec?.expirationSeconds ?? EXPIRATION_SECONDS_DEFAULT } };
}
