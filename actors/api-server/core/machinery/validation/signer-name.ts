/** The name of who signs: a domain and a path. Source: Kubernetes `pkg/apis/core/validation` (`ValidateSignerName`). */
import type { FieldErrors } from "./field-errors.ts";
import { dns1123Label, dns1123Subdomain } from "./names.ts";

const DOMAIN_MAX = 253;

export function validateSignerName(field: string, name: string | undefined, errors: FieldErrors): void {
  if (!name) return errors.required(field);
  const [domain = "", path = "", ...more] = name.split("/");
  if (more.length > 0 || !name.includes("/")) {
    const detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
    return errors.invalid(field, name, detail);
  }
  if (domain.length > DOMAIN_MAX) errors.tooLong(field, DOMAIN_MAX);
  firstWrong(field, domain, dns1123Label, errors);
  if (!domain.includes(".")) {
    errors.invalid(field, domain, "should be a domain with at least two segments separated by dots");
  }
  firstWrong(field, path, dns1123Subdomain, errors);
}

/** Only the first label that is wrong is told of: the others would be told in the same words. */
function firstWrong(
  field: string,
  text: string,
  rule: (label: string) => readonly string[],
  errors: FieldErrors,
): void {
  const label = text.split(".").find((each) => rule(each).length > 0);
  if (label === undefined) return;
  const problems = rule(label).map((problem) => `validating label ${JSON.stringify(label)}: ${problem}`);
  errors.all(field, text, problems);
}
