/**
 * Names around devices. Some are checked twice over in Kubernetes, in different words: by hand, and by rules that its types declare.
 * Source: Kubernetes `pkg/apis/resource/validation`, apimachinery `api/validate/strfmt.go`.
 */
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { caselessSubdomain, dns1123Label, dns1123Subdomain } from "../../machinery/validation/names.ts";

const DRIVER_CHARS_MAX = 63;
const POOL_BYTES_MAX = 253;
const IDENTIFIER_BYTES_MAX = 32;
const DOMAIN_CHARS_MAX = 63;

const IDENTIFIER = /^[A-Za-z_]\w*$/;
const IDENTIFIER_MESSAGE =
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";

export function validateDriver(field: string, name: string | undefined, errors: FieldErrors): void {
  if (!name) return errors.required(field);
  if (name.length > DRIVER_CHARS_MAX) errors.tooLong(field, DRIVER_CHARS_MAX);
  errors.all(field, name, dns1123Subdomain(name.toLowerCase()));
}

/** As its type declares it. */
export function validateDeclaredDriver(field: string, name: string | undefined, errors: FieldErrors): void {
  if (!name) return errors.required(field);
  if (name.length > DRIVER_CHARS_MAX) errors.tooLongInCharacters(field, DRIVER_CHARS_MAX);
  else errors.all(field, name, caselessSubdomain(name));
}

export function validatePool(field: string, name: string | undefined, errors: FieldErrors): void {
  if (!name) return errors.required(field);
  if (name.length > POOL_BYTES_MAX) errors.tooLong(field, POOL_BYTES_MAX);
  for (const part of name.split("/")) errors.all(field, part, dns1123Subdomain(part));
}

/** As its type declares it. */
export function validateDeclaredPool(field: string, name: string | undefined, errors: FieldErrors): void {
  if (!name) return errors.required(field);
  if (name.length > POOL_BYTES_MAX) errors.tooLong(field, POOL_BYTES_MAX);
  for (const [i, part] of name.split("/").entries()) {
    if (part === "") errors.invalid(field, name, `segment ${i}: must not be empty`);
    else {
      const problems = dns1123Subdomain(part).map((problem) => `segment ${i}: ${problem}`);
      errors.all(field, part, problems);
    }
  }
}

export function validateLabelName(field: string, name: string | undefined, errors: FieldErrors): void {
  errors.all(field, name ?? "", dns1123Label(name ?? ""));
}

function validateIdentifier(field: string, id: string, errors: FieldErrors): void {
  if (id.length > IDENTIFIER_BYTES_MAX) errors.tooLong(field, IDENTIFIER_BYTES_MAX);
  if (!IDENTIFIER.test(id)) errors.invalid(field, id, IDENTIFIER_MESSAGE);
}

/** `name` or `domain/name`, the key of an attribute. */
export function validateQualifiedKey(field: string, name: string, errors: FieldErrors): void {
  const [first = "", second, more] = name.split("/");
  if (second === undefined) return validateIdentifier(field, first, errors);
  if (more !== undefined) return;
  if (first === "") errors.invalid(field, "", "the domain must not be empty");
  else validateDriver(field, first, errors);
  if (second === "") errors.invalid(field, "", "the name must not be empty");
  else validateIdentifier(field, second, errors);
}

/** `domain/name`, as its type declares it. */
export function validateFullName(field: string, name: string, errors: FieldErrors): void {
  const [first = "", second, more] = name.split("/");
  if (second === undefined) validateIdentifier(field, first, errors);
  else if (more === undefined) {
    if (first === "") errors.invalid(field, "", "prefix must not be empty");
    else {
      if (first.length > DOMAIN_CHARS_MAX) errors.tooLong(field, DOMAIN_CHARS_MAX);
      const problems = dns1123Subdomain(first).map((problem) => `prefix: ${problem}`);
      errors.all(field, first, problems);
    }
    if (second === "") errors.invalid(field, "", "name must not be empty");
    else validateIdentifier(field, second, errors);
  }
  if (name.includes("/")) return;
  errors.invalid(field, name, "a fully qualified name must be a domain and a name separated by a slash");
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function validateShareId(field: string, id: string | undefined, errors: FieldErrors): void {
  if (id === undefined || UUID.test(id)) return;
  errors.invalid(field, id, "must be a lowercase UUID in 8-4-4-4-12 format");
}
