/** Rules of what names something else: other objects, ports, hosts. Source: apimachinery `util/validation`. */
import type { FieldErrors } from "./field-errors.ts";
import type { Problems } from "../../../../../protocols/kubernetes/labels.ts";
import { checked } from "../../../../../protocols/kubernetes/labels.ts";
import { dns1123Subdomain, pathSegment } from "./names.ts";

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const WILDCARD = `\\*\\.${LABEL}(\\.${LABEL})*`;
const WILDCARD_PATTERN = new RegExp(`^${WILDCARD}$`);
const WILDCARD_MESSAGE = `a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '${WILDCARD}')`;

/** A DNS name, or one that stands for all below it. */
export function dnsNameOrWildcard(value: string): Problems {
  return value.includes("*") ? checked(value, WILDCARD_PATTERN, WILDCARD_MESSAGE, 253) : dns1123Subdomain(value);
}

/** Required, and one segment of a path. */
export function validateSegment(field: string, value: string | undefined, errors: FieldErrors): void {
  if (!value) errors.required(field);
  else errors.all(field, value, pathSegment(value));
}

const HTTP_PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const HTTP_PATH_PATTERN = new RegExp(`^${HTTP_PATH}$`);

/** `acme.io/foo`. */
export function validateDomainPrefixedPath(field: string, value: string | undefined, errors: FieldErrors): void {
  if (!value) return errors.required(field);
  const slash = value.indexOf("/");
  const [host, path] = [value.slice(0, Math.max(slash, 0)), value.slice(slash + 1)];
  if (host === "" || path === "")
    return errors.invalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")');
  errors.all(field, host, dns1123Subdomain(host));
  if (HTTP_PATH_PATTERN.test(path)) return;
  errors.invalid(field, path, `Invalid path (regex used for validation is '${HTTP_PATH}')`);
}
