/** What a pod's volumes hold, and where its containers see them. */
import type { Mount } from "../../../protocols/container-runtime.ts";
import type {
  ConfigMap,
  Container,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Secret,
  Volume,
  VolumeProjection,
} from "../../../protocols/kubernetes/core-v1.ts";
import { CONTAINER_ENVIRONMENT } from "../../../protocols/container-runtime.ts";
import type { PodFacts, Sources } from "./sources.ts";
import { configError, decodeBase64, fieldValue, resourceValue } from "./sources.ts";
import { isEqual } from "./status-patch.ts";

/** A volume as it should be on disk. */
export type VolumePlan =
  /** Made once, then the containers' own. */
  | { readonly kind: "empty"; readonly name: string }
  /** Exactly these files, by path below the volume. */
  | { readonly kind: "files"; readonly name: string; readonly files: ReadonlyMap<string, Uint8Array> }
  /** A place of this machine. */
  | { readonly kind: "host"; readonly name: string; readonly path: string };

/** Errors: POD_CONFIG when an object or key that isn't optional is missing, or the kind of volume isn't supported. */
export function planVolumes(facts: PodFacts, sources: Sources): readonly VolumePlan[] {
  return (facts.pod.spec?.volumes ?? []).map((volume) => planVolume(volume, facts, sources));
}

function planVolume(volume: Volume, facts: PodFacts, sources: Sources): VolumePlan {
  const { name } = volume;
  if (volume.hostPath !== undefined) return { kind: "host", name, path: volume.hostPath.path };
  const files = new Map<string, Uint8Array>();
  if (volume.configMap !== undefined) addConfigMap(files, volume.configMap, sources);
  else if (volume.secret !== undefined) {
    const { secretName, items, optional } = volume.secret;
    addSecret(files, { name: secretName, items, optional }, sources);
  } else if (volume.downwardAPI !== undefined) addDownward(files, volume.downwardAPI.items ?? [], facts);
  else if (volume.projected !== undefined) {
    for (const source of volume.projected.sources ?? []) addProjection(files, source, facts, sources);
  } else if (isEmptyDir(volume)) return { kind: "empty", name };
  else {
    const kind = Object.keys(volume).find((key) => key !== "name") ?? "none";
    throw configError(`volume "${name}": volumes of the kind ${kind} are not supported`);
  }
  return { kind: "files", name, files };
}

/** A volume without a source is an emptyDir, by the API's defaults. */
function isEmptyDir(volume: Volume): boolean {
  return volume.emptyDir !== undefined || Object.keys(volume).every((key) => key === "name");
}

interface KeyedSource {
  readonly name?: string | undefined;
  readonly items?: readonly KeyToPath[] | undefined;
  readonly optional?: boolean | undefined;
}

function addConfigMap(files: Map<string, Uint8Array>, source: KeyedSource, sources: Sources): void {
  const { name = "", optional } = source;
  const found = sources.configMap(name);
  if (found !== undefined) addData(files, `ConfigMap "${name}"`, configMapData(found), source);
  else if (optional !== true) throw configError(`configmap "${name}" not found`);
}

function addSecret(files: Map<string, Uint8Array>, source: KeyedSource, sources: Sources): void {
  const { name = "", optional } = source;
  const found = sources.secret(name);
  if (found !== undefined) addData(files, `Secret "${name}"`, secretData(found), source);
  else if (optional !== true) throw configError(`secret "${name}" not found`);
}

function configMapData(map: ConfigMap): ReadonlyMap<string, Uint8Array> {
  const encoder = new TextEncoder();
  const data = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(map.data ?? {})) data.set(key, encoder.encode(value));
  for (const [key, value] of Object.entries(map.binaryData ?? {})) data.set(key, decodeBase64(value));
  return data;
}

function secretData(secret: Secret): ReadonlyMap<string, Uint8Array> {
  return new Map(Object.entries(secret.data ?? {}).map(([key, value]) => [key, decodeBase64(value)]));
}

function addData(
  files: Map<string, Uint8Array>,
  what: string,
  data: ReadonlyMap<string, Uint8Array>,
  { items, optional }: KeyedSource,
): void {
  if (items === undefined || items.length === 0) {
    for (const [key, bytes] of data) files.set(key, bytes);
    return;
  }
  for (const { key, path } of items) {
    const bytes = data.get(key);
    if (bytes !== undefined) files.set(safePath(path), bytes);
    else if (optional !== true) throw configError(`${what} has no key "${key}"`);
  }
}

function addDownward(files: Map<string, Uint8Array>, items: readonly DownwardAPIVolumeFile[], facts: PodFacts): void {
  const encoder = new TextEncoder();
  for (const { path, fieldRef, resourceFieldRef } of items) {
    let text = "";
    if (fieldRef !== undefined) text = fieldValue(fieldRef.fieldPath, facts);
    else if (resourceFieldRef !== undefined) {
      const container = facts.pod.spec?.containers.find(({ name }) => name === resourceFieldRef.containerName);
      if (container === undefined) throw configError(`${path}: resourceFieldRef needs the name of a container`);
      text = resourceValue(resourceFieldRef, container, facts);
    }
    files.set(safePath(path), encoder.encode(text));
  }
}

/** Tokens and certificates have no issuer here yet: such a source adds nothing, and its ConfigMap may be missing. */
function addProjection(
  files: Map<string, Uint8Array>,
  source: VolumeProjection,
  facts: PodFacts,
  sources: Sources,
): void {
  if (source.configMap !== undefined) {
    const isRootCa = source.configMap.name === "kube-root-ca.crt";
    addConfigMap(files, isRootCa ? { ...source.configMap, optional: true } : source.configMap, sources);
  }
  if (source.secret !== undefined) addSecret(files, source.secret, sources);
  if (source.downwardAPI !== undefined) addDownward(files, source.downwardAPI.items ?? [], facts);
}

/** A path that stays below its volume. */
function safePath(path: string): string {
  if (path === "" || path.startsWith("/") || path.split("/").includes("..")) {
    throw configError(`"${path}" is no path below a volume`);
  }
  return path;
}

/** Where `container` sees its volumes; `directoryOf` gives a volume's directory on this machine. */
export function mountsOf(
  container: Container,
  plans: readonly VolumePlan[],
  directoryOf: (volume: string) => string,
  expandPath: (path: string) => string,
): readonly Mount[] {
  return (container.volumeMounts ?? []).map((mount) => {
    const plan = plans.find(({ name }) => name === mount.name);
    if (plan === undefined) throw configError(`volume mount "${mount.name}" names no volume of the pod`);
    const directory = plan.kind === "host" ? plan.path : directoryOf(plan.name);
    const below = mount.subPathExpr === undefined ? (mount.subPath ?? "") : expandPath(mount.subPathExpr);
    const hostPath = below === "" ? directory : `${directory}/${safePath(below)}`;
    return { containerPath: mount.mountPath, hostPath, readonly: mount.readOnly === true };
  });
}

/** `INKUBE_VOLUME_<NAME>` for each volume that the container mounts. */
export function volumeVariables(container: Container, mounts: readonly Mount[]): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {};
  (container.volumeMounts ?? []).forEach(({ name }, index) => {
    const key = CONTAINER_ENVIRONMENT.volumePrefix + name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
    variables[key] ??= mounts[index]?.hostPath ?? "";
  });
  return variables;
}

/** Whether any of a pod's volumes has content that can change under it. */
export function hasLiveVolumes(pod: Pod): boolean {
  return (pod.spec?.volumes ?? []).some(
    ({ configMap, secret, downwardAPI, projected }) => (configMap ?? secret ?? downwardAPI ?? projected) !== undefined,
  );
}

/** Whether what the downward API says in a pod's volumes has become something else. */
export function hasOtherDownwardFiles(before: Pod, after: Pod): boolean {
  const isUsed = (after.spec?.volumes ?? []).some(
    ({ downwardAPI, projected }) =>
      downwardAPI !== undefined || projected?.sources?.some((source) => source.downwardAPI !== undefined) === true,
  );
  const { labels, annotations } = before.metadata ?? {};
  return isUsed && !(isEqual(labels, after.metadata?.labels) && isEqual(annotations, after.metadata?.annotations));
}
