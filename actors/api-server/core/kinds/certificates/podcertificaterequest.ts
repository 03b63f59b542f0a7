/** PodCertificateRequests: kubelets ask for certificates of pods. Source: Kubernetes `pkg/apis/certificates`, `pkg/registry/certificates`. */
import type {
  PodCertificateRequest,
  PodCertificateRequestStatus,
} from "../../../../../protocols/kubernetes/types/certificates-v1.ts";
import type { Condition } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import { decodeBase64 } from "../../machinery/base64.ts";
import { labelsText, nameOf } from "../../machinery/cells.ts";
import { setDefault, member } from "../../machinery/default-values.ts";
import { DerError } from "../../../../../protocols/der-reader.ts";
import { equalJson } from "../../machinery/json-value.ts";
import { invalid } from "../../machinery/status.ts";
import { validateConditions } from "../../machinery/validation/conditions.ts";
import { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { dns1123Subdomain, qualifiedName } from "../../machinery/validation/names.ts";
import { validateSignerName } from "../../machinery/validation/signer-name.ts";
import { METADATA_AND_SPEC } from "../../managed-fields/field-filter.ts";
import type { Fields, KindRules } from "../rules.ts";
import { validateIssued } from "./pod-certificate.ts";
import type { CertificateRequest, PublicKey } from "./x509.ts";
import { parseCertificateRequest } from "./x509.ts";

type Request = PodCertificateRequest;

const DAY_SECONDS = 24 * 60 * 60;

export const podCertificateRequestRules: KindRules = {
  resetFields: { status: METADATA_AND_SPEC },
  statusKeepsMetadata: true,
  defaults: (object) => setDefault(member(object, "spec"), "maxExpirationSeconds", DAY_SECONDS),
  prepareCreate: (object, { isSigned }) => {
    const request = object as Fields & Request;
    const parsed = parsedRequest(request.spec?.stubPKCS10Request ?? "");
    const errors = new FieldErrors();
    validate(request, errors);
    if (errors.causes.length > 0 || parsed === undefined || isSigned?.(parsed.signed) !== false) return object;
    errors.wrong(STUB, "invalid signature");
    const of = { group: "certificates.k8s.io", kind: "PodCertificateRequest" };
    throw invalid(of, request.metadata?.name ?? "", errors.causes);
  },
  validate,
  validateUpdate: (object: Request, old: Request, errors) => {
    if (!equalJson(object.spec, old.spec)) errors.invalid("spec", object.spec, "field is immutable");
  },
  validateStatusUpdate: validateStatus,
  cells: ({ spec, status, ...object }: Request) => [
    nameOf(object),
    spec.podName,
    spec.serviceAccountName,
    spec.nodeName,
    spec.signerName,
    (status?.conditions ?? []).filter(({ type }) => FINAL.includes(type)).at(-1)?.type ?? "Pending",
    labelsText(spec.unverifiedUserAnnotations),
  ],
};

const STUB = "spec.stubPKCS10Request";
const STUB_BYTES_MAX = 10 * 1024;
const UID_BYTES_MAX = 128;
const EXPIRATION_MIN_SECONDS = 60 * 60;
const EXPIRATION_MAX_SECONDS = 91 * DAY_SECONDS;
const ANNOTATION_BYTES_MAX = 256 * 1024;

/** undefined: it can't be read. */
export function parsedRequest(base64: string): CertificateRequest | undefined {
  try {
    return parseCertificateRequest(decodeBase64(base64));
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function validate({ spec }: Request, errors: FieldErrors): void {
  const { signerName, maxExpirationSeconds: seconds } = spec;
  const stub = spec.stubPKCS10Request ?? "";
  validateSignerName("spec.signerName", signerName, errors);
  validateUserAnnotations(spec.unverifiedUserAnnotations ?? {}, errors);
  for (const [name, uid] of [
    ["podName", "podUID"],
    ["serviceAccountName", "serviceAccountUID"],
    ["nodeName", "nodeUID"],
  ] as const) {
    const [named, id] = [spec[name] ?? "", spec[uid] ?? ""];
    errors.all(`spec.${name}`, named, dns1123Subdomain(named));
    if (id === "") errors.invalid(`spec.${uid}`, id, "must not be empty");
    if (id.length > UID_BYTES_MAX) errors.tooLong(`spec.${uid}`, UID_BYTES_MAX);
  }
  if (seconds === undefined) return errors.required("spec.maxExpirationSeconds", "must be set");
  const own = /^([^/]+\.)?kubernetes\.io\//.test(signerName ?? "");
  const max = own ? DAY_SECONDS : EXPIRATION_MAX_SECONDS;
  if (seconds < EXPIRATION_MIN_SECONDS || seconds > max) {
    const detail = `must be in the range [${EXPIRATION_MIN_SECONDS}, ${max}]`;
    errors.invalid("spec.maxExpirationSeconds", seconds, detail);
  }
  if (stub !== "") return validateStub(stub, errors);
  errors.wrong("spec", "exactly one of (stubPKCS10Request) or (pkixPublicKey, proofOfPossession) must be set");
}

function validateUserAnnotations(annotations: Readonly<Record<string, string>>, errors: FieldErrors): void {
  const field = "spec.unverifiedUserAnnotations";
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    bytes += key.length + value.length;
    const name = key.toLowerCase();
    const problems = qualifiedName(name);
    errors.all(field, name, problems);
    if (problems.length === 0 && !name.includes("/")) {
      errors.invalid(field, name, 'must be a domain-prefixed key (such as "acme.io/foo")');
    }
  }
  if (bytes > ANNOTATION_BYTES_MAX) errors.tooLong(field, ANNOTATION_BYTES_MAX);
}

function validateStub(stub: string, errors: FieldErrors): void {
  if (decodeBase64(stub).length > STUB_BYTES_MAX) return errors.tooLong(STUB, STUB_BYTES_MAX);
  const parsed = parsedRequest(stub);
  if (parsed === undefined) return errors.wrong(STUB, "must be a valid PKCS#10 CSR");
  validateKey(parsed.key, errors);
}

function validateKey({ kind, curve, bits }: PublicKey, errors: FieldErrors): void {
  switch (kind) {
    case "ed25519":
      return;
    case "ecdsa":
      if (["P-256", "P-384", "P-521"].includes(curve)) return;
      return errors.invalid(STUB, `curve ${curve}`, "elliptic public keys must use curve P256, P384, or P521");
    case "rsa":
      if (bits === 3072 || bits === 4096) return;
      return errors.invalid(STUB, `${bits}-bit modulus`, "RSA keys must have modulus size 3072 or 4096");
    case "unknown":
      return errors.wrong(STUB, "unknown public key type; supported types are Ed25519, ECDSA, and RSA");
  }
}

const FINAL = ["Issued", "Denied", "Failed"];

function isFinal(status: PodCertificateRequestStatus, types: readonly string[]): boolean {
  return (status.conditions ?? []).some(({ type, status: is }) => types.includes(type) && is === "True");
}

function validateStatus(object: Request, old: Request, errors: FieldErrors, nowMs: number | undefined): void {
  const [status, before] = [object.status ?? {}, old.status ?? {}];
  const conditions = status.conditions ?? [];
  if (errors.causes.length > 0) return;
  validateKnown(conditions, errors);
  validateConditions("status.conditions", conditions, errors);
  if (errors.causes.length > 0) return;
  if (isFinal(before, FINAL)) {
    if (equalJson(status, before)) return;
    return errors.wrong("status", "immutable after PodCertificateRequest is issued, denied, or failed");
  }
  if (isFinal(status, ["Denied", "Failed"])) {
    if (equalJson(status, { conditions })) return;
    const detail = "non-condition status fields must be empty when denying or failing the PodCertificateRequest";
    return errors.wrong("status", detail);
  }
  if (isFinal(status, ["Issued"]))
    return validateIssued(object, parsedRequest(old.spec.stubPKCS10Request)?.key, errors, nowMs);
  if (equalJson(status, before)) return;
  errors.wrong("status", 'status is immutable unless transitioning to "Issued", "Denied", or "Failed"');
}

function validateKnown(conditions: readonly Condition[], errors: FieldErrors): void {
  let known = 0;
  for (const [i, { type, status }] of conditions.entries()) {
    // Kubernetes has the dot before the bracket.
    const at = `status.conditions.[${i}]`;
    if (!FINAL.includes(type)) {
      errors.unsupported(`${at}.type`, type, FINAL);
      continue;
    }
    if (++known > 1) {
      const detail = 'There may be at most one condition with type "Issued", "Denied", or "Failed"';
      errors.invalid(`${at}.type`, type, detail);
    }
    errors.oneOf(`${at}.status`, status, ["True"]);
  }
}
