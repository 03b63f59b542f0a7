/** Who asks for devices as an administrator must do so in a namespace that allows it. Source: Kubernetes `pkg/registry/resource`. */
import type { ResourceClaimSpec } from "../../../../../protocols/kubernetes/types/resource-v1.ts";
import { invalid } from "../../machinery/status.ts";
import type { Admission, Fields } from "../rules.ts";
import { ADMIN_LABEL, ADMIN_REFUSAL, adminRequestIn } from "./claim-spec.ts";

/** @throws Status 422 */
export function refuseAdmin(
  kind: string,
  { metadata }: Fields,
  spec: ResourceClaimSpec | undefined,
  { find }: Admission,
): void {
  const i = adminRequestIn(spec);
  if (i < 0) return;
  const namespace = find("/registry/namespaces", metadata?.namespace ?? "");
  if (namespace?.metadata?.labels?.[ADMIN_LABEL] === "true") return;
  const field = `spec.devices.requests[${i}].adminAccess`;
  const cause = { reason: "FieldValueForbidden", message: `Forbidden: ${ADMIN_REFUSAL}`, field };
  throw invalid({ group: "resource.k8s.io", kind }, metadata?.name ?? "", [cause]);
}
