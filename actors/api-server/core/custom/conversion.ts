/** How the versions of a custom resource are made of each other. Source: apiextensions-apiserver `validation.go`. */
import type { CustomResourceConversion } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { FieldErrors } from "../machinery/validation/field-errors.ts";
import { holdsCertificate, validateWebhookClient } from "../machinery/validation/webhook-client.ts";
import { dns1035Label } from "./names.ts";
import { repeatedAt } from "../machinery/validation/repeated.ts";

const PATH = "spec.conversion";
const CLIENT = `${PATH}.webhookClientConfig`;
const REVIEWS = `${PATH}.conversionReviewVersions`;

/** Whether the certificates of a webhook that is there are none: others may be none then, too. */
export function hasBadBundle(conversion: CustomResourceConversion | undefined): boolean {
  const bundle = conversion?.webhook?.clientConfig?.caBundle ?? "";
  return bundle !== "" && !holdsCertificate(bundle);
}

/** @param mayBeInvalid whether the certificates of the webhook are not checked */
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
  else validateWebhookClient(CLIENT, client, mayBeInvalid, errors);
  validateReviews(reviews, errors);
}

const UNDERSTOOD = ["v1", "v1beta1"];

function validateReviews(versions: readonly string[], errors: FieldErrors): void {
  if (versions.length === 0) {
    errors.required(REVIEWS);
    return;
  }
  const repeated = repeatedAt(versions);
  for (const [i, version] of versions.entries()) {
    if (repeated.has(i)) errors.invalid(`${REVIEWS}[${i}]`, version, "duplicate version");
    else errors.all(`${REVIEWS}[${i}]`, version, dns1035Label(version));
  }
  if (!versions.some((version) => UNDERSTOOD.includes(version))) {
    errors.invalid(REVIEWS, versions, `must include at least one of ${UNDERSTOOD.join(", ")}`);
  }
}
