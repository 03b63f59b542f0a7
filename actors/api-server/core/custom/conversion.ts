/** How the versions of a custom resource are made of each other. Source: apiextensions-apiserver `validation.go`, apiserver `util/webhook`. */
import type {
  CustomResourceConversion,
  ServiceReference,
  WebhookClientConfig,
} from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { FieldErrors } from "../machinery/validation/field-errors.ts";
import { dns1035Label } from "./names.ts";

const PATH = "spec.conversion";
const CLIENT = `${PATH}.webhookClientConfig`;
const REVIEWS = `${PATH}.conversionReviewVersions`;

/** @param mayBeInvalid whether the certificates of the webhook are not checked: nobody is served yet */
export function validateConversion(
  { strategy, webhook }: CustomResourceConversion,
  mayBeInvalid: boolean,
  errors: FieldErrors,
): void {
  if (!strategy) errors.required(`${PATH}.strategy`);
  else errors.oneOf(`${PATH}.strategy`, strategy, ["None", "Webhook"]);
  const client = webhook?.clientConfig;
  const reviews = webhook?.conversionReviewVersions ?? [];
  if (strategy !== "Webhook") {
    const detail = "should not be set when strategy is not set to Webhook";
    if (client !== undefined) errors.forbidden(CLIENT, detail);
    if (reviews.length > 0) errors.forbidden(REVIEWS, detail);
    return;
  }
  if (client === undefined) errors.required(CLIENT, "required when strategy is set to Webhook");
  else validateClient(client, mayBeInvalid, errors);
  validateReviews(reviews, errors);
}

function validateClient(client: WebhookClientConfig, mayBeInvalid: boolean, errors: FieldErrors): void {
  const { url, service, caBundle = "" } = client;
  if ((url === undefined) === (service === undefined)) {
    errors.required(CLIENT, "exactly one of url or service is required");
  } else if (url !== undefined) validateUrl(url, errors);
  else if (service !== undefined) validateService(service, errors);
  if (caBundle !== "" && !mayBeInvalid && !holdsCertificate(caBundle)) {
    const detail = "unable to load root certificates: unable to parse bytes as PEM block";
    errors.invalid(`${CLIENT}.caBundle`, caBundle, detail);
  }
}

/** Base64 of PEM: the text of the first line of a certificate, wherever it begins in a group of three bytes. */
export function holdsCertificate(base64: string): boolean {
  const bytes = atob(base64.replaceAll(/\s/g, ""));
  return bytes.includes("-----BEGIN CERTIFICATE-----") && bytes.includes("-----END CERTIFICATE-----");
}

const FORM = "; desired format: https://host[/path]";

function validateUrl(text: string, errors: FieldErrors): void {
  const field = `${CLIENT}.url`;
  if (!URL.canParse(text)) {
    errors.required(field, `url must be a valid URL: parse ${JSON.stringify(text)}: invalid URI for request${FORM}`);
    return;
  }
  const { protocol, host, username, search, hash } = new URL(text);
  const scheme = protocol.slice(0, -1);
  if (scheme !== "https") errors.invalid(field, scheme, `'https' is the only allowed URL scheme${FORM}`);
  if (host === "") errors.invalid(field, host, `host must be specified${FORM}`);
  if (username !== "") errors.invalid(field, username, "user information is not permitted in the URL");
  if (hash !== "") errors.invalid(field, hash.slice(1), "fragments are not permitted in the URL");
  if (search !== "") errors.invalid(field, search.slice(1), "query parameters are not permitted in the URL");
}

function validateService({ name, namespace, path, port = 443 }: ServiceReference, errors: FieldErrors): void {
  const field = `${CLIENT}.service`;
  if (!name) errors.required(`${field}.name`);
  if (!namespace) errors.required(`${field}.namespace`);
  if (port < 1 || port > 65_535) {
    errors.invalid(`${field}.port`, port, "port is not valid: must be between 1 and 65535, inclusive");
  }
  if (path !== undefined && path !== "" && !path.startsWith("/")) {
    errors.invalid(`${field}.path`, path, "must start with a '/'");
  }
}

const UNDERSTOOD = ["v1", "v1beta1"];

function validateReviews(versions: readonly string[], errors: FieldErrors): void {
  if (versions.length === 0) {
    errors.required(REVIEWS);
    return;
  }
  for (const [i, version] of versions.entries()) {
    if (versions.indexOf(version) < i) errors.invalid(`${REVIEWS}[${i}]`, version, "duplicate version");
    else errors.all(`${REVIEWS}[${i}]`, version, dns1035Label(version));
  }
  if (!versions.some((version) => UNDERSTOOD.includes(version))) {
    errors.invalid(REVIEWS, versions, `must include at least one of ${UNDERSTOOD.join(", ")}`);
  }
}
