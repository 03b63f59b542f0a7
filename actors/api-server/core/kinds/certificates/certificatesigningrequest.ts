/**
 * CertificateSigningRequests. The request is read, and its signature verified, when it is made; later it can't be changed.
 * Source: Kubernetes `pkg/apis/certificates`, `pkg/registry/certificates`.
 */
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
  CertificateSigningRequestStatus,
} from "../../../../../protocols/kubernetes/types/certificates-v1.ts";
import { decodeBase64 } from "../../machinery/base64.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { DerError } from "../../../../../protocols/der-reader.ts";
import { humanDuration } from "../../machinery/duration.ts";
import { equalJson } from "../../machinery/json-value.ts";
import { pemBlocks } from "../../machinery/pem.ts";
import { invalid } from "../../machinery/status.ts";
import { formatTime } from "../../machinery/time.ts";
import { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { validateSignerName } from "../../machinery/validation/signer-name.ts";
import type { Fields, IsSigned, KindRules } from "../rules.ts";
import type { CertificateRequest } from "./x509.ts";
import { parseCertificate, parseCertificateRequest, signatureProblem } from "./x509.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";

type Request = CertificateSigningRequest;

export const certificateSigningRequestRules: KindRules = {
  resetFields: {
    "": { except: ["spec", "status"] },
    status: { except: ["spec", "status.conditions"] },
    approval: { except: ["spec", "status.certificate"] },
  },
  name: () => [],
  prepareCreate: (object, { by, isSigned }) => {
    refuseUnsigned(object as Fields & Request, isSigned);
    const { username: _name, uid: _uid, groups: _groups, extra: _extra, ...spec } = (object as Fields & Request).spec;
    const { uid, extra } = by ?? {};
    const known = { ...(uid === undefined ? {} : { uid }), ...(extra === undefined ? {} : { extra }) };
    const asker = by === undefined ? {} : { username: by.user, ...known, groups: by.groups };
    return { ...object, spec: { ...spec, ...asker }, status: {} };
  },
  // Nothing of it can be changed but its metadata.
  prepareUpdate: (object, old) => ({ ...object, spec: old["spec"] }),
  prepareStatusUpdate: (object, old, nowMs) => {
    const before = statusOf(old);
    return withStatus(object, timed(keptApproval(statusOf(object), before), before, nowMs));
  },
  subresources: {
    approval: {
      change: (object, old, nowMs) => {
        const { conditions: _conditions, ...rest } = statusOf(old);
        const { conditions } = timed(statusOf(object), statusOf(old), nowMs);
        const spec = old["spec"];
        return withStatus({ ...object, spec }, conditions === undefined ? rest : { ...rest, conditions });
      },
      validate: (object: Request, old: Request, errors) => validateChange(object, old, { approval: true }, errors),
    },
  },
  validate: (object: Request, errors) => validate(object, requestProblem(object), errors),
  validateUpdate: (object: Request, old: Request, errors) => validateChange(object, old, {}, errors),
  validateStatusUpdate: (object: Request, old: Request, errors) =>
    validateChange(object, old, { certificate: true }, errors),
  cells,
};

function statusOf(object: Fields): CertificateSigningRequestStatus {
  return (object as Fields & Request).status ?? {};
}

function withStatus(object: Fields, status: CertificateSigningRequestStatus): Fields {
  return { ...object, status };
}

const DECISIONS = ["Approved", "Denied"];
const FINAL = [...DECISIONS, "Failed"];

/** What was decided stays as it was, if it still is there. */
function keptApproval(
  status: CertificateSigningRequestStatus,
  old: CertificateSigningRequestStatus,
): CertificateSigningRequestStatus {
  const before = new Map((old.conditions ?? []).toReversed().map((condition) => [condition.type, condition]));
  const conditions = (status.conditions ?? []).map((condition) =>
    DECISIONS.includes(condition.type) ? (before.get(condition.type) ?? condition) : condition,
  );
  return status.conditions === undefined ? status : { ...status, conditions };
}

/** A condition that comes without its times has changed now; it is in its state since it has been. */
function timed(
  status: CertificateSigningRequestStatus,
  old: CertificateSigningRequestStatus,
  nowMs: number | undefined,
): CertificateSigningRequestStatus {
  if (status.conditions === undefined || nowMs === undefined) return status;
  const now = formatTime(nowMs);
  const stateOf = ({ type, status: is }: CertificateSigningRequestCondition): string => `${type}=${is}`;
  const since = new Map((old.conditions ?? []).toReversed().map((each) => [stateOf(each), each.lastTransitionTime]));
  const conditions = status.conditions.map((condition) => ({
    ...condition,
    lastUpdateTime: condition.lastUpdateTime ?? now,
    lastTransitionTime: condition.lastTransitionTime ?? since.get(stateOf(condition)) ?? now,
  }));
  return { ...status, conditions };
}

const EXPIRATION_MIN_SECONDS = 600;
const USAGES = [
  ...["any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment"],
  ...["decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel"],
  ...["ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime"],
  ...["server auth", "signing", "timestamping"],
];

/** @param problem with the request itself */
function validate({ spec, status }: Request, problem: string | undefined, errors: FieldErrors): void {
  if (problem !== undefined) errors.invalid("spec.request", spec.request, problem);
  const usages = spec.usages ?? [];
  if (usages.length === 0) errors.required("spec.usages");
  for (const [i, usage] of usages.entries()) errors.oneOf(`spec.usages[${i}]`, usage, USAGES);
  const repeated = repeatedAt(usages);
  for (const [i, usage] of usages.entries()) {
    if (repeated.has(i)) errors.duplicate(`spec.usages[${i}]`, usage);
  }
  if (spec.signerName === "kubernetes.io/legacy-unknown") {
    errors.invalid("spec.signerName", spec.signerName, "the legacy signerName is not allowed via this API version");
  } else validateSignerName("spec.signerName", spec.signerName, errors);
  const seconds = spec.expirationSeconds;
  if (seconds !== undefined && seconds < EXPIRATION_MIN_SECONDS) {
    const detail = "may not specify a duration less than 600 seconds (10 minutes)";
    errors.invalid("spec.expirationSeconds", seconds, detail);
  }
  validateConditions(status?.conditions ?? [], errors);
}

function parsedRequest({ spec }: Request): CertificateRequest | string {
  const [block] = pemBlocks(new TextDecoder().decode(decodeBase64(spec.request ?? "")));
  if (block?.type !== "CERTIFICATE REQUEST") return "PEM block type must be CERTIFICATE REQUEST";
  try {
    return parseCertificateRequest(block.bytes);
  } catch (error) {
    if (error instanceof DerError) return error.message;
    throw error;
  }
}

function requestProblem(request: Request): string | undefined {
  const parsed = parsedRequest(request);
  return typeof parsed === "string" ? parsed : undefined;
}

/** @throws Status 422, with whatever else is wrong */
function refuseUnsigned(request: Fields & Request, isSigned: IsSigned | undefined): void {
  const parsed = parsedRequest(request);
  if (typeof parsed === "string" || isSigned?.(parsed.signed) !== false) return;
  const errors = new FieldErrors();
  validate(request, signatureProblem(parsed), errors);
  const of = { group: "certificates.k8s.io", kind: "CertificateSigningRequest" };
  throw invalid(of, request.metadata?.name ?? "", errors.causes);
}

/** What a signer gives: certificates alone, at least one. */
function certificateProblem(base64: string | null | undefined): string | undefined {
  if (!base64) return undefined;
  const blocks = pemBlocks(new TextDecoder().decode(decodeBase64(base64)));
  for (const { type, headers, bytes } of blocks) {
    if (type !== "CERTIFICATE") {
      return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    }
    if (headers) return "no PEM block headers are permitted";
    if (parseCertificate(bytes) === undefined) return "x509: malformed certificate";
  }
  return blocks.length === 0 ? "must contain at least one CERTIFICATE PEM block" : undefined;
}

function validateConditions(conditions: readonly CertificateSigningRequestCondition[], errors: FieldErrors): void {
  const repeated = repeatedAt(conditions.map((each) => each.type));
  for (const [i, { type, status }] of conditions.entries()) {
    const at = `status.conditions[${i}]`;
    if (!type) errors.required(`${at}.type`);
    if (!status) errors.required(`${at}.status`);
    else errors.oneOf(`${at}.status`, status, FINAL.includes(type) ? ["True"] : ["False", "True", "Unknown"]);
    if (repeated.has(i)) errors.duplicate(`${at}.type`, type);
  }
  const decisions = conditions.filter(({ type }) => DECISIONS.includes(type)).map(({ type }) => type);
  if (new Set(decisions).size < 2) return;
  const detail = "Approved and Denied conditions are mutually exclusive";
  errors.invalid("status.conditions", decisions[1], detail);
}

interface May {
  readonly approval?: boolean;
  readonly certificate?: boolean;
}

function validateChange(object: Request, old: Request, may: May, errors: FieldErrors): void {
  validate(object, requestProblem(object), errors);
  const unreadable = certificateProblem(object.status?.certificate);
  // What was taken before stays.
  if (unreadable !== undefined && object.status?.certificate !== old.status?.certificate) {
    errors.invalid("status.certificate", "<certificate data>", unreadable);
  }
  const of = (request: Request, wanted: string): readonly CertificateSigningRequestCondition[] =>
    (request.status?.conditions ?? []).filter(({ type }) => type === wanted);
  for (const type of FINAL) {
    if (of(object, type).length >= of(old, type).length) continue;
    errors.forbidden("status.conditions", `updates may not remove a condition of type ${JSON.stringify(type)}`);
  }
  for (const type of may.approval === true ? [] : DECISIONS) {
    if (of(object, type).length <= of(old, type).length) continue;
    errors.forbidden("status.conditions", `updates may not add a condition of type ${JSON.stringify(type)}`);
  }
  const [certificate, before] = [object.status?.certificate ?? null, old.status?.certificate ?? null];
  if (equalJson(certificate, before)) return;
  if (may.certificate !== true) errors.forbidden("status.certificate", "updates may not set certificate content");
  else if (before) errors.forbidden("status.certificate", "updates may not modify existing certificate content");
}

function cells(object: Request, nowMs: number): readonly Cell[] {
  const { spec, status } = object;
  const has = (wanted: string): boolean => (status?.conditions ?? []).some(({ type }) => type === wanted);
  const decision = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  const state = `${decision}${has("Failed") ? ",Failed" : ""}${status?.certificate ? ",Issued" : ""}`;
  const seconds = spec.expirationSeconds;
  const duration = seconds === undefined ? "<none>" : humanDuration(seconds * 1_000);
  return [nameOf(object), ageOf(object, nowMs), spec.signerName || "<none>", spec.username ?? "", duration, state];
}
