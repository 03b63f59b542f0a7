/** Rules of paths. Source: Kubernetes `validateLocalDescendingPath`, `ValidateLocalNonReservedPath`, `validatePathNoBacksteps`. */
import type { FieldErrors } from "./field-errors.ts";

export function validateRelativePath(field: string, path: string, errors: FieldErrors): void {
  if (path.startsWith("/")) errors.invalid(field, path, "must be a relative path");
  if (path.split("/").includes("..")) errors.invalid(field, path, "must not contain '..'");
}

/** A path in a volume that the kubelet writes, which keeps names that begin with two dots for itself. */
export function validateVolumePath(field: string, path: string, errors: FieldErrors): void {
  validateRelativePath(field, path, errors);
  if (path.startsWith("..") && !path.startsWith("../")) errors.invalid(field, path, "must not start with '..'");
}

export function validateNoBacksteps(field: string, path: string, errors: FieldErrors): void {
  if (path.split("/").includes("..")) errors.invalid(field, path, "must not contain '..'");
}
