/** Rules of volumes. Source: Kubernetes `ValidateVolumes`, `validateVolumeSource`. */
import type { Volume } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { tryParseQuantity } from "../../../../../protocols/kubernetes/quantity.ts";
import type { JsonObject } from "../json-value.ts";
import { isJsonObject, textOf } from "../json-value.ts";
import { validateClaimSpec } from "./claim.ts";
import { FILE_FIELDS, validateFieldRef, validateResourceFieldRef } from "./env.ts";
import type { FieldErrors } from "./field-errors.ts";
import { validateLabelSelector } from "./label-selector.ts";
import { dns1123Label, dns1123Subdomain } from "./names.ts";
import { validateNoBacksteps, validateVolumePath } from "./paths.ts";
import { BEFORE_SECRETS, NETWORK } from "./volume-sources.ts";

/** The volumes that are valid, by name: others can't be mounted. */
export function validateVolumes(
  field: string,
  volumes: readonly Volume[],
  errors: FieldErrors,
): ReadonlyMap<string, Volume> {
  const names = new Set<string>();
  const valid = new Map<string, Volume>();
  for (const [i, volume] of volumes.entries()) {
    const at = `${field}[${i}]`;
    const before = errors.causes.length;
    validateSource(at, volume as unknown as JsonObject, errors);
    const { name } = volume;
    if (!name) errors.required(`${at}.name`);
    else errors.all(`${at}.name`, name, dns1123Label(name));
    if (names.has(name)) errors.duplicate(`${at}.name`, name);
    if (errors.causes.length > before) continue;
    names.add(name);
    valid.set(name, volume);
  }
  return valid;
}

type Check = (at: string, source: JsonObject, errors: FieldErrors) => void;

const HOST_PATH_TYPES = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];

/** In the order in which Kubernetes looks at them; the first is the volume's type, any other is one too many. */
const SOURCES: Readonly<Record<string, Check>> = {
  emptyDir: (at, source, errors) => {
    const limit = source["sizeLimit"];
    const parsed = typeof limit === "string" ? tryParseQuantity(limit) : undefined;
    if (parsed !== undefined && parsed.nano < 0n) {
      errors.forbidden(`${at}.sizeLimit`, "SizeLimit field must be a valid resource quantity");
    }
  },
  hostPath: (at, source, errors) => {
    if (!source["path"]) return errors.required(`${at}.path`);
    validateNoBacksteps(`${at}.path`, textOf(source["path"]), errors);
    if (source["type"] !== undefined) errors.oneOf(`${at}.type`, source["type"], HOST_PATH_TYPES);
  },
  ...BEFORE_SECRETS,
  secret: (at, source, errors) => {
    if (!source["secretName"]) errors.required(`${at}.secretName`);
    validateItems(at, source, errors);
  },
  ...NETWORK,
  persistentVolumeClaim: (at, source, errors) => {
    if (!source["claimName"]) errors.required(`${at}.claimName`);
  },
  downwardAPI: (at, source, errors) => {
    validateMode(`${at}.defaultMode`, source["defaultMode"], errors);
    // Kubernetes leaves the index of the item out.
    for (const item of listOf(source["items"])) validateDownwardFile(at, item, errors);
  },
  configMap: (at, source, errors) => {
    if (!source["name"]) errors.required(`${at}.name`);
    validateItems(at, source, errors);
  },
  projected: validateProjected,
  ephemeral: validateEphemeral,
};

/** @param at with the name of the source */
export function validateVolumeSource(at: string, kind: string, source: JsonObject, errors: FieldErrors): void {
  SOURCES[kind]?.(at, source, errors);
}

function validateSource(at: string, volume: JsonObject, errors: FieldErrors): void {
  const kinds = Object.keys(volume).filter((key) => key !== "name" && isJsonObject(volume[key]));
  const known = Object.keys(SOURCES).filter((kind) => kinds.includes(kind));
  const ordered = [...known, ...kinds.filter((kind) => !known.includes(kind))];
  for (const [i, kind] of ordered.entries()) {
    const source = volume[kind];
    if (i > 0) errors.forbidden(`${at}.${kind}`, "may not specify more than 1 volume type");
    else if (isJsonObject(source)) SOURCES[kind]?.(`${at}.${kind}`, source, errors);
  }
  if (kinds.length === 0) errors.required(at, "must specify a volume type");
}

function listOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function validateMode(field: string, mode: unknown, errors: FieldErrors): void {
  if (typeof mode === "number" && (mode < 0 || mode > 0o777)) {
    errors.invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive");
  }
}

/** Files of a ConfigMap or Secret. */
function validateItems(at: string, source: JsonObject, errors: FieldErrors): void {
  validateMode(`${at}.defaultMode`, source["defaultMode"], errors);
  for (const [i, item] of listOf(source["items"]).entries()) validateItem(`${at}.items[${i}]`, item, errors);
}

function validateItem(at: string, { key, path, mode }: JsonObject, errors: FieldErrors): void {
  if (!key) errors.required(`${at}.key`);
  if (!path) errors.required(`${at}.path`);
  validateVolumePath(`${at}.path`, textOf(path), errors);
  validateMode(`${at}.mode`, mode, errors);
}

function validateDownwardFile(at: string, item: JsonObject, errors: FieldErrors): void {
  if (!item["path"]) errors.required(`${at}.path`);
  validateVolumePath(`${at}.path`, textOf(item["path"]), errors);
  const { fieldRef, resourceFieldRef } = item;
  if (isJsonObject(fieldRef)) {
    validateFieldRef(`${at}.fieldRef`, fieldRef, FILE_FIELDS, errors);
    if (isJsonObject(resourceFieldRef)) {
      errors.invalid(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
    }
  } else if (isJsonObject(resourceFieldRef)) {
    validateResourceFieldRef(`${at}.resourceFieldRef`, resourceFieldRef as never, true, errors);
  } else errors.required(at, "one of fieldRef and resourceFieldRef is required");
  validateMode(`${at}.mode`, item["mode"], errors);
}

/** Source: `validateProjectionSources`. */
function validateProjected(at: string, source: JsonObject, errors: FieldErrors): void {
  validateMode(`${at}.defaultMode`, source["defaultMode"], errors);
  const paths = new Set<string>();
  const note = (path: unknown, shown: unknown): void => {
    if (typeof path !== "string" || path === "") return;
    if (paths.has(path)) errors.invalid(at, shown, "conflicting duplicate paths");
    paths.add(path);
  };
  for (const [i, projection] of listOf(source["sources"]).entries()) {
    const here = `${at}.sources[${i}]`;
    const { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = projection;
    for (const [kind, ref] of Object.entries({ secret, configMap })) {
      if (!isJsonObject(ref)) continue;
      if (!ref["name"]) errors.required(`${here}.${kind}.name`);
      for (const [j, item] of listOf(ref["items"]).entries()) {
        validateItem(`${here}.${kind}.items[${j}]`, item, errors);
        note(item["path"], textOf(ref["name"]));
      }
    }
    for (const item of isJsonObject(downwardAPI) ? listOf(downwardAPI["items"]) : []) {
      validateDownwardFile(`${here}.downwardAPI`, item, errors);
      note(item["path"], item["path"]);
    }
    if (isJsonObject(serviceAccountToken))
      validateToken(at, `${here}.serviceAccountToken`, serviceAccountToken, errors);
    if (isJsonObject(clusterTrustBundle)) {
      validateTrustBundle(`${here}.clusterTrustBundle`, clusterTrustBundle, errors);
      note(clusterTrustBundle["path"], clusterTrustBundle["path"]);
    }
    if (isJsonObject(podCertificate)) validatePodCertificate(`${here}.podCertificate`, podCertificate, note, errors);
    const kinds = Object.values(projection).filter(isJsonObject).length;
    if (kinds > 1) errors.forbidden(here, "may not specify more than 1 volume type per source");
  }
}

const TOKEN_SECONDS_MIN = 600;

/** Kubernetes names the path of a token as if it were the volume's. */
function validateToken(volume: string, at: string, source: JsonObject, errors: FieldErrors): void {
  const { expirationSeconds: seconds, path } = source;
  if (typeof seconds === "number" && seconds < TOKEN_SECONDS_MIN) {
    errors.invalid(`${at}.expirationSeconds`, seconds, "may not specify a duration less than 10 minutes");
  }
  if (typeof seconds === "number" && seconds > 2 ** 32) {
    errors.invalid(`${at}.expirationSeconds`, seconds, "may not specify a duration larger than 2^32 seconds");
  }
  if (!path) errors.required(`${volume}.path`);
  else validateVolumePath(`${volume}.path`, textOf(path), errors);
}

function validateTrustBundle(at: string, source: JsonObject, errors: FieldErrors): void {
  const { name, signerName, labelSelector, path } = source;
  if (name !== undefined && signerName !== undefined) {
    const shown = {
      Name: name,
      SignerName: signerName,
      LabelSelector: labelSelector ?? null,
      Optional: source["optional"] ?? null,
      Path: path,
      User: null,
    };
    errors.invalid(at, shown, "only one of name and signerName may be used");
  } else if (name !== undefined) {
    if (name === "") errors.required(`${at}.name`, "must be a valid object name");
    const detail = (text: string): string => `not a valid clustertrustbundlename: ${text}`;
    errors.all(`${at}.name`, name, dns1123Subdomain(textOf(name)).map(detail));
    if (labelSelector !== undefined) {
      errors.invalid(`${at}.labelSelector`, labelSelector, "labelSelector must be unset if name is specified");
    }
  } else if (signerName !== undefined) {
    if (signerName === "") errors.required(`${at}.signerName`, "must be a valid signer name");
    validateSigner(`${at}.signerName`, textOf(signerName), errors);
    if (isJsonObject(labelSelector)) validateLabelSelector(`${at}.labelSelector`, labelSelector, errors);
  } else errors.required(at, "either name or signerName must be specified");
  if (!path) errors.required(`${at}.path`);
  validateVolumePath(`${at}.path`, textOf(path), errors);
}

const KEY_TYPES = ["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];

function validatePodCertificate(
  at: string,
  source: JsonObject,
  note: (path: unknown, shown: unknown) => void,
  errors: FieldErrors,
): void {
  validateSigner(`${at}.signerName`, textOf(source["signerName"]), errors);
  errors.oneOf(`${at}.keyType`, source["keyType"] ?? "", KEY_TYPES);
  const seconds = source["maxExpirationSeconds"];
  if (typeof seconds === "number" && seconds < 3600) {
    errors.invalid(`${at}.maxExpirationSeconds`, seconds, "if provided, maxExpirationSeconds must be >= 3600");
  }
  let paths = 0;
  for (const name of ["credentialBundlePath", "keyPath", "certificateChainPath"] as const) {
    const path = source[name];
    if (typeof path !== "string" || path === "") continue;
    paths++;
    validateVolumePath(`${at}.${name}`, path, errors);
    note(path, path);
  }
  if (paths > 0) return;
  errors.required(at, "specify at least one of credentialBundlePath, keyPath, and certificateChainPath");
}

/** `example.com/name`. */
function validateSigner(field: string, name: string, errors: FieldErrors): void {
  if (name === "") return errors.required(field);
  const [domain = "", ...rest] = name.split("/");
  if (rest.length === 1) {
    if (!domain.includes(".")) {
      errors.invalid(field, name, "should be a domain with at least two segments separated by dots");
    } else errors.all(field, name, [...dns1123Subdomain(domain), ...dns1123Subdomain(rest[0] ?? "")]);
    return;
  }
  errors.invalid(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
}

/** The claim that would be made for the pod. */
function validateEphemeral(at: string, source: JsonObject, errors: FieldErrors): void {
  const template = source["volumeClaimTemplate"];
  if (!isJsonObject(template)) return errors.required(`${at}.volumeClaimTemplate`);
  const here = `${at}.volumeClaimTemplate.spec`;
  const spec = isJsonObject(template["spec"]) ? template["spec"] : {};
  validateClaimSpec(here, spec, errors);
}
