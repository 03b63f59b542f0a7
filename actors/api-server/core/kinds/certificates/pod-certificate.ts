/** Whether the certificate that a signer gives is what the pod's kubelet asked for. Source: Kubernetes `pkg/apis/certificates/validation`. */
import type { PodCertificateRequest } from "../../../../../protocols/kubernetes/types/certificates-v1.ts";
import { pemBlocks } from "../../machinery/pem.ts";
import { parseTimeMs } from "../../machinery/time.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import type { Certificate, PublicKey } from "./x509.ts";
import { parseCertificate, sameKey } from "./x509.ts";

const CHAIN = "status.certificateChain";
const CHAIN_BYTES_MAX = 100 * 1024;
const NANOS = 1_000_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A certificate begins now, by a clock that differs by less. */
const CLOCKS_DIFFER_MS = 5 * MINUTE_MS;

/**
 * @param key that the request was signed with
 * @param nowMs undefined: the time does not count
 */
export function validateIssued(
  object: PodCertificateRequest,
  key: PublicKey | undefined,
  errors: FieldErrors,
  nowMs: number | undefined,
): void {
  const { certificateChain: chain = "" } = object.status ?? {};
  if (chain.length > CHAIN_BYTES_MAX) return errors.tooLong(CHAIN, CHAIN_BYTES_MAX);
  const [leaf, ...others] = pemBlocks(chain);
  const refuse = (detail: string): void => errors.invalid(CHAIN, chain, detail);
  if (leaf === undefined) return refuse("issued certificate chain must contain at least one certificate");
  const onlyCertificates = "issued certificate chain must consist entirely of CERTIFICATE PEM blocks";
  if (leaf.type !== "CERTIFICATE") return refuse(onlyCertificates);
  const certificate = parseCertificate(leaf.bytes);
  if (certificate === undefined) return refuse("leaf certificate does not parse as valid X.509");
  if (key === undefined) return errors.wrong("spec.stubPKCS10Request", "must be a valid PKCS#10 CSR");
  if (!sameKey(certificate.key, key)) return refuse("leaf certificate was not issued to the requested public key");
  const before = errors.causes.length;
  validateTimes(object, certificate, errors, nowMs);
  if (errors.causes.length > before) return;
  for (const { type, bytes } of others) {
    // The spelling is Kubernetes' own.
    if (type !== "CERTIFICATE") return refuse(onlyCertificates.replace("CERTIFICATE PEM", "CERTFICATE PEM"));
    if (parseCertificate(bytes) === undefined) return refuse("intermediate certificate does not parse as valid X.509");
  }
}

function validateTimes(
  { spec, status = {} }: PodCertificateRequest,
  leaf: Certificate,
  errors: FieldErrors,
  nowMs: number | undefined,
): void {
  const { notBefore, notAfter, beginRefreshAt } = status;
  const consistent = "must be present and consistent with the issued certificate";
  if (!notBefore) errors.required("status.notBefore", consistent);
  if (!notAfter) errors.required("status.notAfter", consistent);
  if (!beginRefreshAt) {
    errors.required("status.beginRefreshAt", "must be present and in the range [notbefore+10min, notafter-10min]");
  }
  if (!notBefore || !notAfter || !beginRefreshAt) return;
  if (parseTimeMs(notBefore) !== leaf.notBeforeMs) {
    return errors.invalid(
      "status.notBefore",
      notBefore,
      "must be set to the NotBefore time encoded in the leaf certificate",
    );
  }
  if (nowMs !== undefined && Math.abs(nowMs - leaf.notBeforeMs) >= CLOCKS_DIFFER_MS) {
    const detail = "must be set to within 5 minutes of kube-apiserver's current time";
    return errors.invalid("status.notBefore", notBefore, detail);
  }
  if (parseTimeMs(notAfter) !== leaf.notAfterMs) {
    return errors.invalid(
      "status.notAfter",
      notAfter,
      "must be set to the NotAfter time encoded in the leaf certificate",
    );
  }
  const lifetimeMs = leaf.notAfterMs - leaf.notBeforeMs;
  if (lifetimeMs < HOUR_MS) {
    return errors.invalid(CHAIN, lifetimeMs * NANOS, "leaf certificate lifetime must be >= 1 hour");
  }
  const maxSeconds = spec.maxExpirationSeconds ?? 0;
  if (lifetimeMs > maxSeconds * 1_000) {
    const detail = `leaf certificate lifetime must be <= spec.maxExpirationSeconds (${maxSeconds})`;
    return errors.invalid(CHAIN, lifetimeMs * NANOS, detail);
  }
  const refreshMs = parseTimeMs(beginRefreshAt) ?? 0;
  if (refreshMs < leaf.notBeforeMs + 10 * MINUTE_MS) {
    return errors.invalid(
      "status.beginRefreshAt",
      beginRefreshAt,
      "must be at least 10 minutes after status.notBefore",
    );
  }
  if (refreshMs > leaf.notAfterMs - 10 * MINUTE_MS) {
    errors.invalid("status.beginRefreshAt", beginRefreshAt, "must be at least 10 minutes before status.notAfter");
  }
}
