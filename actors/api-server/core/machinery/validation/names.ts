/**
 * What names may look like, with the sentences Kubernetes says about names that don't. Each function returns what is wrong.
 * Source: apimachinery `util/validation`; RFC 1123, RFC 6335 section 5.1.
 */
import type { Problems } from "../../../../../protocols/kubernetes/labels.ts";
import { checked, dns1123Subdomain, labelValue, qualifiedName } from "../../../../../protocols/kubernetes/labels.ts";

export { dns1123Subdomain, labelValue, qualifiedName };

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_PATTERN = new RegExp(`^${LABEL}$`);
const DOTTED_PATTERN = new RegExp(`^${LABEL}(\\.${LABEL})+$`);
const KEY_PATTERN = /^[-._a-zA-Z0-9]+$/;

const LABEL_MESSAGE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const KEY_MESSAGE =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

export function dns1123Label(value: string): Problems {
  return checked(value, LABEL_PATTERN, DOTTED_PATTERN.test(value) ? "must not contain dots" : LABEL_MESSAGE, 63);
}

const LABEL_1035_PATTERN = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_1035_MESSAGE =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

export function dns1035Label(value: string): Problems {
  return checked(value, LABEL_1035_PATTERN, LABEL_1035_MESSAGE, 63);
}

const CASELESS_MESSAGE =
  "an RFC 1123 subdomain must consist of alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'Example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** A DNS subdomain in letters of any case. */
export function caselessSubdomain(value: string): Problems {
  return checked(value.toLowerCase(), new RegExp(`^${LABEL}(\\.${LABEL})*$`), CASELESS_MESSAGE, 253);
}

const SEARCH = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const SEARCH_PATTERN = new RegExp(`^${SEARCH}(\\.${SEARCH})*$`);
const SEARCH_MESSAGE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";

/** A domain that a resolver searches in: underscores are allowed. */
export function searchDomain(value: string): Problems {
  return checked(value, SEARCH_PATTERN, SEARCH_MESSAGE, 253);
}

/** A key of a ConfigMap or Secret. */
export function configKey(value: string): Problems {
  if (value === ".") return ["must not be '.'"];
  if (value === "..") return ["must not be '..'"];
  if (value.startsWith("..")) return ["must not start with '..'"];
  return checked(value, KEY_PATTERN, KEY_MESSAGE, 253);
}

const UNHELPFUL_ENV_NAME = /^[ -<>-~]+$/;

export function envVarName(value: string): Problems {
  if (UNHELPFUL_ENV_NAME.test(value)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** A name that only has to fit into a URL. */
export function pathSegment(value: string): Problems {
  if (value === "." || value === "..") return [`may not be '${value}'`];
  return ["/", "%"].filter((char) => value.includes(char)).map((char) => `may not contain '${char}'`);
}

/** The name of a port (an IANA service name). */
export function portName(value: string): Problems {
  const problems: string[] = [];
  if (value.length > 15) problems.push("must be no more than 15 characters");
  if (!/^[-a-z0-9]+$/.test(value))
    problems.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(value)) problems.push("must contain at least one letter (a-z)");
  if (value.includes("--")) problems.push("must not contain consecutive hyphens");
  if (value.startsWith("-") || value.endsWith("-")) problems.push("must not begin or end with a hyphen");
  return problems;
}

const OCTET = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4_PATTERN = new RegExp(`^${OCTET}(\\.${OCTET}){3}$`);

export function isIpv4(value: string): boolean {
  return IPV4_PATTERN.test(value);
}

/** RFC 4291 section 2.2, without a zone. */
export function isIpv6(value: string): boolean {
  const halves = value.split("::");
  if (halves.length > 2 || !/^[0-9A-Fa-f:.]+$/.test(value)) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const last = groups.at(-1) ?? "";
  const embedded = last.includes(".");
  if (embedded && !isIpv4(last)) return false;
  const plain = embedded ? groups.slice(0, -1) : groups;
  if (!plain.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return false;
  const length = plain.length + (embedded ? 2 : 0);
  return halves.length === 2 ? length < 8 : length === 8;
}

export function ipAddress(value: string): Problems {
  return isIpv4(value) || isIpv6(value) ? [] : ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"];
}

export function cidr(value: string): Problems {
  const [address = "", bits = ""] = value.split("/");
  const max = isIpv4(address) ? 32 : isIpv6(address) ? 128 : -1;
  const valid = /^\d{1,3}$/.test(bits) && Number(bits) <= max && value === `${address}/${bits}`;
  return valid ? [] : ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"];
}
