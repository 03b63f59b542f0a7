/** Names that belong to what stands in files beside a server. Source: Kubernetes `pkg/apis/admissionregistration/validation/static_suffix.go`. */
import type { ObjectMeta } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";

const SUFFIX = ".static.k8s.io";

export function validateReservedName(metadata: ObjectMeta | undefined, errors: FieldErrors): void {
  const { name = "" } = metadata ?? {};
  if (!name.endsWith(SUFFIX)) return;
  const detail = `names ending with "${SUFFIX}" are reserved for static manifest-based configurations and cannot be managed via the API`;
  errors.invalid("metadata.name", name, detail);
}
