/** ClusterTrustBundles: certificates of those who are trusted, of one signer or of none. Source: Kubernetes `pkg/apis/certificates`. */
import type { ClusterTrustBundle } from "../../../../../protocols/kubernetes/types/certificates-v1.ts";
import { encodeBase64 } from "../../machinery/base64.ts";
import { nameOf } from "../../machinery/cells.ts";
import { pemBlocks } from "../../machinery/pem.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { dns1123Subdomain } from "../../machinery/validation/names.ts";
import { validateSignerName } from "../../machinery/validation/signer-name.ts";
import type { KindRules } from "../rules.ts";
import { parseCertificate } from "./x509.ts";

type Bundle = ClusterTrustBundle;

export const clusterTrustBundleRules: KindRules = {
  // It depends on who signs.
  name: () => [],
  validate: (object: Bundle, errors) => {
    validateHead(object, errors);
    validateBundle(object.spec?.trustBundle ?? "", errors);
  },
  validateUpdate: (object: Bundle, old: Bundle, errors) => {
    validateHead(object, errors);
    const [now, before] = [object.spec?.trustBundle ?? "", old.spec?.trustBundle ?? ""];
    if (now !== before) validateBundle(now, errors);
    const [signer, former] = [object.spec?.signerName ?? "", old.spec?.signerName ?? ""];
    if (signer !== former) errors.invalid("spec.signerName", signer, "field is immutable");
  },
  cells: (object: Bundle) => [nameOf(object), object.spec?.signerName || "<none>"],
};

function validateHead({ metadata, spec }: Bundle, errors: FieldErrors): void {
  const { name = "" } = metadata ?? {};
  const { signerName: signer = "" } = spec ?? {};
  if (name !== "") errors.all("metadata.name", name, nameProblems(name, signer));
  if (signer !== "") validateSignerName("spec.signerName", signer, errors);
}

function nameProblems(name: string, signer: string): readonly string[] {
  if (signer === "") {
    return name.includes(":")
      ? ['ClusterTrustBundle without signer name must not have ":" in its name']
      : dns1123Subdomain(name);
  }
  const prefix = `${signer.replaceAll("/", ":")}:`;
  if (name.startsWith(prefix)) return dns1123Subdomain(name.slice(prefix.length));
  return [`ClusterTrustBundle for signerName ${signer} must be named with prefix ${prefix}`];
}

const FIELD = "spec.trustBundle";
const BUNDLE_BYTES_MAX = 1024 * 1024;

function validateBundle(text: string, errors: FieldErrors): void {
  if (text.length > BUNDLE_BYTES_MAX) return errors.tooLong(FIELD, BUNDLE_BYTES_MAX);
  const before = errors.causes.length;
  const refuse = (detail: string): void => errors.invalid(FIELD, "<value omitted>", detail);
  const places = new Map<string, number[]>();
  for (const [i, { type, headers, bytes }] of pemBlocks(text).entries()) {
    const certificate = parseCertificate(bytes);
    if (type !== "CERTIFICATE") refuse(`entry ${i} has bad block type: ${type}`);
    else if (headers) refuse(`entry ${i} has PEM block headers`);
    else if (certificate === undefined) refuse(`entry ${i} does not parse as X.509`);
    else if (!certificate.isAuthority) refuse(`entry ${i} does not have the CA bit set`);
    else {
      const key = encodeBase64(bytes);
      places.set(key, [...(places.get(key) ?? []), i]);
    }
  }
  if (errors.causes.length > before) return;
  if (places.size === 0) refuse("at least one trust anchor must be provided");
  for (const indices of places.values()) {
    if (indices.length > 1) refuse(`duplicate trust anchor (indices [${indices.join(" ")}])`);
  }
}
