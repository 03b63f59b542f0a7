/** The three patch types as one function. */
import type { KubernetesObject, PatchType } from "../../../../../protocols/api-server.ts";
import { badRequest } from "../status.ts";

/** JSON patches with more operations than this are refused, as by Kubernetes (10,000). */
export const JSON_PATCH_OPERATIONS_MAX = 10_000;

/**
 * `current` with `patch` applied; neither is changed. The result has not been through `decodeObject` yet.
 * @param of the kind, whose merge keys the strategic merge patch follows
 * @throws Status 400 (malformed patch), 422 (a JSON patch that can't be applied), 415 (apply-patch+yaml: not yet)
 */
export function applyPatch(
  type: PatchType,
  of: { readonly apiVersion: string; readonly kind: string },
  current: KubernetesObject,
  patch: unknown,
): KubernetesObject {
  void type;
  void of;
  void current;
  void patch;
  throw badRequest("patches are not applied yet");
}
