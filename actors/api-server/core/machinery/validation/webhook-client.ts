/**
 * Where a webhook is, whatever it is for. Source: apiserver `util/webhook/validation.go`, net/url.
 */
import type { WebhookClientConfig } from "../../../../../protocols/kubernetes/types/admissionregistration-v1.ts";
import type { FieldErrors } from "./field-errors.ts";
import { dns1123Subdomain } from "./names.ts";

/** @param mayBeBad whether nobody looks at the certificates */
export function validateWebhookClient(
  field: string,
  { url, service, caBundle = "" }: WebhookClientConfig,
  mayBeBad: boolean,
  errors: FieldErrors,
): void {
  if ((url === undefined) === (service === undefined)) {
    errors.required(field, "exactly one of url or service is required");
  } else if (url !== undefined) validateUrl(`${field}.url`, url, errors);
  else if (service !== undefined) validateService(`${field}.service`, service, errors);
  if (caBundle !== "" && !mayBeBad && !holdsCertificate(caBundle)) {
    const detail = "unable to load root certificates: unable to parse bytes as PEM block";
    errors.invalid(`${field}.caBundle`, caBundle, detail);
  }
}

/** Base64 of PEM: the text of the first line of a certificate, wherever it begins in a group of three bytes. */
export function holdsCertificate(base64: string): boolean {
  const bytes = atob(base64.replaceAll(/\s/g, ""));
  return bytes.includes("-----BEGIN CERTIFICATE-----") && bytes.includes("-----END CERTIFICATE-----");
}

const FORM = "; desired format: https://host[/path]";
/** Scheme, user, host, path, query and fragment. RFC 3986 appendix B. */
const PARTS = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/(?:([^/?#]*)@)?([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;

function validateUrl(field: string, text: string, errors: FieldErrors): void {
  const problem = urlProblem(text);
  if (problem !== undefined) {
    errors.required(field, `url must be a valid URL: parse ${goQuoted(text)}: ${problem}${FORM}`);
    return;
  }
  const [, scheme = "", user, host = "", , query = "", fragment = ""] = PARTS.exec(text) ?? [];
  const lower = scheme.toLowerCase();
  if (lower !== "https") errors.invalid(field, lower, `'https' is the only allowed URL scheme${FORM}`);
  if (host === "") errors.invalid(field, host, `host must be specified${FORM}`);
  if (user !== undefined) errors.invalid(field, user, "user information is not permitted in the URL");
  if (fragment !== "") errors.invalid(field, decodeURIComponent(fragment), "fragments are not permitted in the URL");
  if (query !== "") errors.invalid(field, query, "query parameters are not permitted in the URL");
}

/** Control characters are written otherwise than in JSON. */
function goQuoted(text: string): string {
  return JSON.stringify(text).replaceAll(/\\u00([01][0-9a-f])/g, "\\x$1");
}

/** Why Go's `url.Parse` takes it for none. */
function urlProblem(text: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- it is control characters that are looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) return "net/url: invalid control character in URL";
  const [before = ""] = text.split("#");
  if (before.startsWith(":")) return "missing protocol scheme";
  const [, scheme, , host = "", path = ""] = PARTS.exec(text) ?? [];
  const [first = ""] = before.split(/[/?]/);
  if (scheme === undefined && first.includes(":")) return "first path segment in URL cannot contain colon";
  if (host.startsWith("[") && !host.includes("]")) return "missing ']' in host";
  const escape = /%(?![0-9A-Fa-f]{2}).{0,2}/.exec(host + path);
  if (escape !== null) return `invalid URL escape ${JSON.stringify(escape[0])}`;
  const bad = /[\s"<>\\^`{|}]/.exec(host);
  if (bad !== null) return `invalid character ${JSON.stringify(bad[0])} in host name`;
  const port = /:([^:\]]*)$/.exec(host);
  if (port !== null && !/^\d*$/.test(port[1] ?? "")) return `invalid port ${JSON.stringify(port[0])} after host`;
  return undefined;
}

const PORT_MAX = 65_535;

type Reference = NonNullable<WebhookClientConfig["service"]>;

function validateService(at: string, { namespace, name, path, port = 0 }: Reference, errors: FieldErrors): void {
  // Kubernetes has the two the wrong way round.
  if (!namespace) errors.required(`${at}.name`);
  if (!name) errors.required(`${at}.namespace`);
  if (port < 1 || port > PORT_MAX) {
    errors.invalid(`${at}.port`, port, `port is not valid: must be between 1 and ${PORT_MAX}, inclusive`);
  }
  if (path === undefined || path === "" || path === "/") return;
  if (path === "//") return errors.invalid(`${at}.path`, path, "segment[0] may not be empty");
  if (!path.startsWith("/")) errors.invalid(`${at}.path`, path, "must start with a '/'");
  for (const [i, step] of path.slice(1).replace(/\/$/, "").split("/").entries()) {
    if (step === "") errors.invalid(`${at}.path`, path, `segment[${i}] may not be empty`);
    else {
      const problems = dns1123Subdomain(step).map((problem) => `segment[${i}]: ${problem}`);
      errors.all(`${at}.path`, path, problems);
    }
  }
}
