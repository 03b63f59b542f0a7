/**
 * What label keys, label values and DNS subdomains may look like, with the sentences Kubernetes says about those that don't.
 * Each function returns what is wrong. Source: apimachinery `api/validate/content`; RFC 1123.
 */

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN_PATTERN = new RegExp(`^${LABEL}(\\.${LABEL})*$`);
const QUALIFIED_PATTERN = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

const SUBDOMAIN_MESSAGE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const QUALIFIED_MESSAGE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE_MESSAGE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

export type Problems = readonly string[];

/** Whether a value fits `pattern` and is not too long. */
export function checked(
  value: string,
  pattern: RegExp,
  message: string,
  charsMax: number,
  unit: string = "characters",
): Problems {
  const problems: string[] = [];
  if (value.length > charsMax) problems.push(`must be no more than ${charsMax} ${unit}`);
  if (!pattern.test(value)) problems.push(message);
  return problems;
}

export function dns1123Subdomain(value: string): Problems {
  return checked(value, SUBDOMAIN_PATTERN, SUBDOMAIN_MESSAGE, 253);
}

export function labelValue(value: string): Problems {
  return value === "" ? [] : checked(value, QUALIFIED_PATTERN, LABEL_VALUE_MESSAGE, 63, "bytes");
}

/** `name` or `prefix/name`: label keys, finalizers, taints, resources. */
export function qualifiedName(value: string): Problems {
  // Most keys are short and plain; every value of the pattern passes the full check.
  return PLAIN_KEY.test(value) ? NONE : qualifiedNameProblems(value);
}

const PLAIN_KEY = /^([a-z0-9]{1,30}(\.[a-z0-9]{1,30}){1,4}\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,40}[A-Za-z0-9])?$/;
const NONE: Problems = [];

function qualifiedNameProblems(value: string): Problems {
  const parts = value.split("/");
  const problems: string[] = [];
  const name = parts.at(-1) ?? "";
  if (parts.length > 2) {
    return [
      "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
    ];
  }
  if (parts.length === 2) {
    const prefix = parts[0] ?? "";
    if (prefix === "") problems.push("prefix part must be non-empty");
    else problems.push(...dns1123Subdomain(prefix).map((problem) => `prefix part ${problem}`));
  }
  if (name === "") problems.push("name part must be non-empty");
  else if (name.length > 63) problems.push("name part must be no more than 63 bytes");
  if (!QUALIFIED_PATTERN.test(name)) problems.push(QUALIFIED_MESSAGE);
  return problems;
}
