/** Rules of mounts and devices. Source: Kubernetes `ValidateVolumeMounts`, `ValidateVolumeDevices`. */
import type { Container, Volume, VolumeMount } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { FieldErrors } from "./field-errors.ts";
import { validateRelativePath } from "./paths.ts";

export function validateMounts(
  field: string,
  container: Container,
  volumes: ReadonlyMap<string, Volume>,
  errors: FieldErrors,
): void {
  const { volumeMounts = [], volumeDevices: devices = [] } = container;
  if (volumeMounts.length === 0) return;
  const paths = new Set<string>();
  const deviceNames = new Set(devices.map(({ name }) => name));
  const devicePaths = new Set(devices.map(({ devicePath }) => devicePath));
  for (const [i, mount] of volumeMounts.entries()) {
    const at = `${field}[${i}]`;
    if (!mount.name) errors.required(`${at}.name`);
    if (!volumes.has(mount.name)) errors.notFound(`${at}.name`, mount.name);
    if (!mount.mountPath) errors.required(`${at}.mountPath`);
    if (paths.has(mount.mountPath)) errors.invalid(`${at}.mountPath`, mount.mountPath, "must be unique");
    paths.add(mount.mountPath);
    if (deviceNames.has(mount.name)) {
      errors.invalid(`${at}.name`, mount.name, "must not already exist in volumeDevices");
    }
    if (devicePaths.has(mount.mountPath)) {
      errors.invalid(`${at}.mountPath`, mount.mountPath, "must not already exist as a path in volumeDevices");
    }
    if (mount.subPath && mount.subPathExpr) {
      errors.invalid(`${at}.subPathExpr`, mount.subPathExpr, "subPathExpr and subPath are mutually exclusive");
    }
    for (const key of ["subPath", "subPathExpr"] as const) {
      const path = mount[key];
      // Kubernetes leaves the index out of these, and of the two that follow.
      if (path) validateRelativePath(`${field}.${key}`, path, errors);
    }
    validatePropagation(field, mount, container, errors);
  }
}

function validatePropagation(field: string, mount: VolumeMount, container: Container, errors: FieldErrors): void {
  const { mountPropagation: propagation, recursiveReadOnly } = mount;
  if (propagation !== undefined) {
    const at = `${field}.mountPropagation`;
    errors.oneOf(at, propagation, ["Bidirectional", "HostToContainer", "None"]);
    if (propagation === "Bidirectional" && container.securityContext?.privileged !== true) {
      errors.forbidden(at, "Bidirectional mount propagation is available only to privileged containers");
    }
  }
  if (recursiveReadOnly === undefined || recursiveReadOnly === "Disabled") return;
  const at = `${field}.recursiveReadOnly`;
  if (!["Enabled", "IfPossible"].includes(recursiveReadOnly)) {
    return errors.oneOf(at, recursiveReadOnly, ["Disabled", "Enabled", "IfPossible"]);
  }
  if (mount.readOnly !== true) errors.forbidden(at, "may only be specified when readOnly is true");
  if (propagation !== undefined && propagation !== "None") {
    errors.forbidden(at, "may only be specified when mountPropagation is None or not specified");
  }
}

export function validateDevices(
  field: string,
  container: Container,
  volumes: ReadonlyMap<string, Volume>,
  errors: FieldErrors,
): void {
  const { volumeMounts: mounts = [], volumeDevices = [] } = container;
  if (volumeDevices.length === 0) return;
  const names = new Set<string>();
  const paths = new Set<string>();
  const mountNames = new Set(mounts.map((mount) => mount.name));
  const mountPaths = new Set(mounts.map(({ mountPath }) => mountPath));
  for (const [i, { name, devicePath }] of volumeDevices.entries()) {
    const at = `${field}[${i}]`;
    const volume = volumes.get(name);
    if (!name) errors.required(`${at}.name`);
    if (names.has(name)) errors.invalid(`${at}.name`, name, "must be unique");
    if (volume === undefined) errors.notFound(`${at}.name`, name);
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      const detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
      errors.invalid(`${at}.name`, name, detail);
    }
    if (!devicePath) errors.required(`${at}.devicePath`);
    if (paths.has(devicePath)) errors.invalid(`${at}.devicePath`, devicePath, "must be unique");
    if (devicePath.split("/").includes("..")) {
      errors.invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')");
    } else paths.add(devicePath);
    if (mountNames.has(name)) {
      errors.invalid(`${at}.name`, name, "must not already exist in volumeMounts");
    }
    if (mountPaths.has(devicePath)) {
      errors.invalid(`${at}.devicePath`, devicePath, "must not already exist as a path in volumeMounts");
    }
    if (name) names.add(name);
  }
}
