/** What a pod's volumes hold, and where its containers see them. */
import type { Mount } from "../../../protocols/container-runtime.ts";
import type {
  ConfigMap,
  Container,
  DownwardAPIVolumeFile,
  KeyToPath,
  PersistentVolume,
  Pod,
  Secret,
  Volume,
  VolumeProjection,
} from "../../../protocols/kubernetes/types/core-v1.ts";
import { directoryOf } from "../../../protocols/directory-volumes.ts";
import { CONTAINER_ENVIRONMENT } from "../../../protocols/container-runtime.ts";
import type { InkubeError } from "../../../protocols/errors.ts";
import { hasCode } from "../../../protocols/errors.ts";
import type { PodFacts, Sources } from "./sources.ts";
import { configError, containersOf, decodeBase64, fieldValue, resourceValue } from "./sources.ts";
import { isEqual } from "../../../protocols/equality.ts";
import { wishOf } from "./token-life.ts";

/** A file of a volume. `mode`: its permission bits. */
export interface VolumeFile {
  readonly bytes: Uint8Array;
  readonly mode: number;
}

/** By path below the volume. */
export type VolumeFiles = ReadonlyMap<string, VolumeFile>;

/** A volume as it should be on disk. `group`: the pod's fsGroup. `readonly`: no container may write to it. */
export type VolumePlan = {
  readonly name: string;
  readonly group: number | undefined;
  readonly readonly?: boolean;
} & (
  | {
      /** Made once, then the containers' own. */
      readonly kind: "empty";
    }
  | {
      /** Exactly these files, which change all at once. */
      readonly kind: "files";
      readonly files: VolumeFiles;
    }
  | {
      /** A place of this machine, of the type of a `hostPath`; empty for any. */
      readonly kind: "host";
      readonly path: string;
      readonly type: string;
    }
  | {
      /** A directory that outlives its pods, and is made where there is none. */
      readonly kind: "kept";
      readonly path: string;
    }
);

/** Permission bits of a file for which its volume names none. */
const MODE = 0o644;
/** What an fsGroup adds to the files of a volume that containers only read. @see SetVolumeOwnership of the kubelet */
const GROUP_MODE = 0o440;
const OWN_MODE = 0o600;
const SUPPORTED =
  "emptyDir, hostPath, configMap, secret, downwardAPI, projected, persistentVolumeClaim and ephemeral are";
/** Of the downward API, what a volume may show: the rest isn't known before the pod has its address. */
const DOWNWARD_FIELDS = /^metadata\.(name|namespace|uid|labels|annotations)(\['[^']+'\])?$/;

/** What the pod's claims are bound to, and where directories of inkube's own are. */
export interface Claimed {
  readonly volumes: ReadonlyMap<string, PersistentVolume>;
  readonly root: string;
}

const NONE: Claimed = { volumes: new Map(), root: "" };

/** Errors: POD_CONFIG when an object or key that isn't optional is missing, or something asked for isn't supported. */
export function planVolumes(facts: PodFacts, sources: Sources, claimed: Claimed = NONE): readonly VolumePlan[] {
  return (facts.pod.spec?.volumes ?? []).map((volume) => {
    try {
      return planVolume(volume, facts, sources, claimed);
    } catch (error) {
      if (!hasCode(error, "POD_CONFIG")) throw error;
      throw configError(`MountVolume.SetUp failed for volume "${volume.name}" : ${error.message}`);
    }
  });
}

function planVolume(volume: Volume, facts: PodFacts, sources: Sources, claimed: Claimed): VolumePlan {
  const group = facts.pod.spec?.securityContext?.fsGroup;
  const base = { name: volume.name, group };
  const { persistentVolumeClaim, ephemeral } = volume;
  if (persistentVolumeClaim !== undefined || ephemeral !== undefined)
    return { ...base, ...planClaimed(volume, claimed) };
  const { hostPath, configMap, secret, downwardAPI, projected } = volume;
  if (hostPath !== undefined) return { kind: "host", ...base, path: hostPath.path, type: hostPath.type ?? "" };
  if (isEmptyDir(volume)) {
    const medium = volume.emptyDir?.medium ?? "";
    if (medium.startsWith("HugePages")) throw configError(`an emptyDir can't be of the medium ${medium} here`);
    return { kind: "empty", ...base };
  }
  const defaultMode = (configMap ?? secret ?? downwardAPI ?? projected)?.defaultMode ?? MODE;
  const files = new FileSet(defaultMode | (group === undefined ? 0 : GROUP_MODE), group !== undefined);
  if (configMap !== undefined) addConfigMap(files, configMap, sources);
  else if (secret !== undefined) addSecret(files, { ...secret, name: secret.secretName }, sources);
  else if (downwardAPI !== undefined) addDownward(files, downwardAPI.items ?? [], facts);
  else if (projected !== undefined) {
    for (const source of projected.sources ?? []) addProjection(files, source, facts, sources);
  } else throw unsupported(Object.keys(volume).find((key) => key !== "name") ?? "none", SUPPORTED);
  return { kind: "files", ...base, files: files.files };
}

type PersistentPlan = { readonly readonly: boolean } & (
  | { readonly kind: "host"; readonly path: string; readonly type: string }
  | { readonly kind: "kept"; readonly path: string }
);

function planClaimed({ name, persistentVolumeClaim }: Volume, { volumes, root }: Claimed): PersistentPlan {
  const volume = volumes.get(name);
  const { spec = {} } = volume ?? {};
  if (volume === undefined) throw configError("PVC is not bound");
  if (spec.volumeMode === "Block") throw unsupported("volumeMode Block", "a volume is a directory");
  const readonly = persistentVolumeClaim?.readOnly === true || spec.csi?.readOnly === true;
  const directory = directoryOf(volume);
  if (directory !== undefined && root === "") throw configError("the cluster's directories are on another machine");
  if (directory !== undefined) return { kind: "kept", readonly, path: `${root}/${directory}` };
  if (spec.hostPath !== undefined)
    return { kind: "host", readonly, path: spec.hostPath.path, type: spec.hostPath.type ?? "" };
  if (spec.local !== undefined) return { kind: "host", readonly, path: spec.local.path, type: "Directory" };
  const known = [
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "storageClassName",
    "volumeMode",
  ];
  const source = Object.keys(spec).find((key) => !known.includes(key) && key !== "persistentVolumeReclaimPolicy");
  throw unsupported(
    `a persistent volume's ${source ?? "source"}`,
    "those of inkube.io/directory, hostPath and local are",
  );
}

function unsupported(what: string, supported: string): InkubeError {
  return configError(`${what} is not supported here; ${supported}`);
}

/** A volume without a source is an emptyDir, by the API's defaults. */
function isEmptyDir(volume: Volume): boolean {
  return volume.emptyDir !== undefined || Object.keys(volume).every((key) => key === "name");
}

class FileSet {
  readonly files = new Map<string, VolumeFile>();
  private readonly defaultMode: number;
  private readonly hasGroup: boolean;

  constructor(defaultMode: number, hasGroup: boolean) {
    this.defaultMode = defaultMode;
    this.hasGroup = hasGroup;
  }

  add(path: string, bytes: Uint8Array, mode: number | undefined): void {
    const own = mode === undefined ? this.defaultMode : mode | (this.hasGroup ? GROUP_MODE : 0);
    this.files.set(safePath(path), { bytes, mode: own });
  }
}

interface KeyedSource {
  readonly name?: string | undefined;
  readonly items?: readonly KeyToPath[] | undefined;
  readonly optional?: boolean | undefined;
}

function addConfigMap(files: FileSet, source: KeyedSource, sources: Sources): void {
  const { name = "", optional } = source;
  const found = sources.configMap(name);
  const missing = (key: string): string => `configmap references non-existent config key: ${key}`;
  if (found !== undefined) addData(files, configMapData(found), source, missing);
  else if (optional !== true) throw configError(`configmap "${name}" not found`);
}

function addSecret(files: FileSet, source: KeyedSource, sources: Sources): void {
  const { name = "", optional } = source;
  const found = sources.secret(name);
  const missing = (key: string): string => `references non-existent secret key: ${key}`;
  if (found !== undefined) addData(files, secretData(found), source, missing);
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
  files: FileSet,
  data: ReadonlyMap<string, Uint8Array>,
  { items, optional }: KeyedSource,
  missing: (key: string) => string,
): void {
  if (items === undefined || items.length === 0) {
    for (const [key, bytes] of data) files.add(key, bytes, undefined);
    return;
  }
  for (const { key, path, mode } of items) {
    const bytes = data.get(key);
    if (bytes !== undefined) files.add(path, bytes, mode);
    else if (optional !== true) throw configError(missing(key));
  }
}

function addDownward(files: FileSet, items: readonly DownwardAPIVolumeFile[], facts: PodFacts): void {
  const encoder = new TextEncoder();
  for (const { path, fieldRef, resourceFieldRef, mode } of items) {
    let text = "";
    if (fieldRef !== undefined) {
      if (!DOWNWARD_FIELDS.test(fieldRef.fieldPath))
        throw configError(`${path}: unsupported fieldPath ${fieldRef.fieldPath}`);
      text = fieldValue(fieldRef.fieldPath, facts);
    } else if (resourceFieldRef !== undefined) {
      const container = containersOf(facts.pod).find(({ name }) => name === resourceFieldRef.containerName);
      if (container === undefined) throw configError(`${path}: resourceFieldRef needs the name of a container`);
      text = resourceValue(resourceFieldRef, container, facts);
    } else throw configError(`${path}: neither a fieldRef nor a resourceFieldRef`);
    files.add(path, encoder.encode(text), mode);
  }
}

/** Certificates have no issuer here: a pod that counts on one is told, and doesn't start without it. */
function addProjection(files: FileSet, source: VolumeProjection, facts: PodFacts, sources: Sources): void {
  for (const [kind, of] of Object.entries(source)) {
    if (of === undefined) continue;
    if (kind === "configMap") addConfigMap(files, source.configMap ?? {}, sources);
    else if (kind === "secret") addSecret(files, source.secret ?? {}, sources);
    else if (kind === "downwardAPI") addDownward(files, source.downwardAPI?.items ?? [], facts);
    else if (source.serviceAccountToken !== undefined && kind === "serviceAccountToken") {
      const { path } = source.serviceAccountToken;
      const bytes = new TextEncoder().encode(sources.token(wishOf(source.serviceAccountToken)));
      // With an fsGroup the token is that group's, and nobody else's. As the kubelet has it.
      files.add(path, bytes, facts.pod.spec?.securityContext?.fsGroup === undefined ? undefined : OWN_MODE);
    } else
      throw unsupported(`the projected source ${kind}`, "leave it out, or give the pod its credentials in a Secret");
  }
}

/** A path that stays below its volume. */
function safePath(path: string): string {
  if (path === "" || path.startsWith("/") || path.split("/").includes("..")) {
    throw configError(`"${path}" is no path below a volume`);
  }
  return path;
}

/** A mount, and what has to be there before: a part of a volume's files as they are now, or a directory in a volume. */
export interface MountPlan extends Mount {
  readonly volume: string;
  readonly needs?: { readonly copy: VolumeFiles } | { readonly directory: string; readonly path: string };
}

/** Where volumes are on this machine. */
export interface VolumePlaces {
  volume(name: string): string;
  /** Of a part of a volume's files that the mount of this index sees. */
  subPath(name: string, container: string, index: number): string;
}

/**
 * Where `container` sees its volumes. A `subPath` of a volume of files is a copy, as it is when the container starts: such a
 * mount doesn't follow the volume. In the copy, the name of a single file is empty. A `subPath` that isn't there is an empty directory.
 */
export function mountsOf(
  container: Container,
  plans: readonly VolumePlan[],
  places: VolumePlaces,
  expandPath: (path: string) => string,
): readonly MountPlan[] {
  return (container.volumeMounts ?? []).map((mount, index) => {
    const plan = plans.find(({ name }) => name === mount.name);
    if (plan === undefined) throw configError(`volume mount "${mount.name}" names no volume of the pod`);
    const below = mount.subPathExpr === undefined ? (mount.subPath ?? "") : expandPath(mount.subPathExpr);
    const isReadonly = mount.readOnly === true || plan.kind === "files" || plan.readonly === true;
    const base = { volume: plan.name, containerPath: mount.mountPath, readonly: isReadonly };
    const directory = "path" in plan ? plan.path : places.volume(plan.name);
    if (below === "") return { ...base, hostPath: directory };
    const path = safePath(below);
    if (plan.kind !== "files") return { ...base, hostPath: `${directory}/${path}`, needs: { directory, path } };
    const hostPath = places.subPath(plan.name, container.name, index);
    return { ...base, hostPath, needs: { copy: filesBelow(plan.files, path) } };
  });
}

function filesBelow(files: VolumeFiles, path: string): VolumeFiles {
  const file = files.get(path);
  if (file !== undefined) return new Map([["", file]]);
  const prefix = `${path}/`;
  return new Map(
    [...files].flatMap(([name, of]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), of]] : [])),
  );
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
