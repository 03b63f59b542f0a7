/** Names of resources and kinds. Source: apimachinery `util/validation`; RFC 1035. */
import type { Problems } from "../../../../protocols/kubernetes/labels.ts";
import { checked } from "../../../../protocols/kubernetes/labels.ts";

const PATTERN = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const MESSAGE =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

export function dns1035Label(value: string): Problems {
  return checked(value, PATTERN, MESSAGE, 63);
}
