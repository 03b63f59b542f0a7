/**
 * Admission plugin ServiceAccount: a pod has an account, that is there, and gets its credentials as a volume.
 * Source: `plugin/pkg/admission/serviceaccount`.
 */
import type {
  Container,
  Pod,
  PodSpec,
  ServiceAccount,
  Volume,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { POD_EXPIRATION_SECONDS } from "../../tokens/token-request.ts";
import type { Admission, Awaited } from "../rules.ts";
import { refused } from "./pod-refusal.ts";

const ACCOUNTS = "/registry/serviceaccounts";
const DEFAULT_ACCOUNT = "default";
const VOLUME_PREFIX = "kube-api-access-";
const SUFFIX_LENGTH = 5;
/** Where `rest.InClusterConfig` and its kin look. */
const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
const READABLE = 0o644;
const MIRROR = "kubernetes.io/config.mirror";
const ENFORCES_SECRETS = "kubernetes.io/enforce-mountable-secrets";

/** The account that a controller makes with the namespace may be on its way; no other is. */
export function awaitedAccount({ spec }: Pod, namespace: string): Awaited | undefined {
  const name = spec?.serviceAccountName || spec?.serviceAccount || DEFAULT_ACCOUNT;
  return name === DEFAULT_ACCOUNT ? { prefix: ACCOUNTS, key: `${namespace}/${name}` } : undefined;
}

/** @throws Status 403 for an account that is not there, or that may not have what the pod asks for */
export function admitAccount(pod: Pod, spec: PodSpec, admission: Admission): PodSpec {
  if (pod.metadata?.annotations?.[MIRROR] !== undefined) return checkedMirror(pod, spec);
  const name = spec.serviceAccountName || spec.serviceAccount || DEFAULT_ACCOUNT;
  const namespace = pod.metadata?.namespace ?? "";
  const account = admission.find(ACCOUNTS, `${namespace}/${name}`) as ServiceAccount | undefined;
  if (account === undefined) {
    const why = `serviceaccount ${JSON.stringify(name)} not found`;
    throw refused(pod, `error looking up service account ${namespace}/${name}: ${why}`);
  }
  const automounts = spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
  const mounted = automounts ? withToken(spec, admission) : spec;
  const pulls = spec.imagePullSecrets?.length ? spec.imagePullSecrets : account.imagePullSecrets;
  const admitted: PodSpec = {
    ...mounted,
    serviceAccountName: name,
    serviceAccount: name,
    ...(pulls?.length ? { imagePullSecrets: pulls } : {}),
  };
  if (isTrue(account.metadata?.annotations?.[ENFORCES_SECRETS])) checkSecrets(pod, admitted, account);
  return admitted;
}

/** A pod that a kubelet shows for one of its own files: what it runs with is the node's, not the cluster's. */
function checkedMirror(pod: Pod, spec: PodSpec): PodSpec {
  if (spec.serviceAccountName) throw refused(pod, "a mirror pod may not reference service accounts");
  const volumes = spec.volumes ?? [];
  const projected = volumes.flatMap((volume) => volume.projected?.sources ?? []);
  if (refersToSecrets(spec)) throw refused(pod, "a mirror pod may not reference secrets");
  if (projected.some(({ serviceAccountToken }) => serviceAccountToken !== undefined)) {
    throw refused(pod, "a mirror pod may not use ServiceAccountToken volume projections");
  }
  return spec;
}

function refersToSecrets(spec: PodSpec): boolean {
  const ofVolumes = (spec.volumes ?? []).some(
    ({ secret, projected }) =>
      secret !== undefined || projected?.sources?.some((source) => source.secret !== undefined) === true,
  );
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const ofContainers = containers.some(
    ({ env = [], envFrom = [] }) =>
      env.some(({ valueFrom }) => valueFrom?.secretKeyRef !== undefined) ||
      envFrom.some(({ secretRef }) => secretRef !== undefined),
  );
  return ofVolumes || ofContainers || (spec.imagePullSecrets ?? []).length > 0;
}

/** Every container that has nothing of its own in that place sees the volume; it is added when one does. */
function withToken(spec: PodSpec, admission: Admission): PodSpec {
  const volumes = spec.volumes ?? [];
  const present = volumes.find(({ name }) => name.startsWith(VOLUME_PREFIX))?.name;
  const name = present ?? `${VOLUME_PREFIX}${admission.suffix(SUFFIX_LENGTH)}`;
  let isNeeded = false;
  const mounting = (container: Container): Container => {
    const mounts = container.volumeMounts ?? [];
    if (mounts.some(({ mountPath }) => mountPath === MOUNT_PATH)) return container;
    isNeeded = true;
    return { ...container, volumeMounts: [...mounts, { name, readOnly: true, mountPath: MOUNT_PATH }] };
  };
  const { initContainers, containers } = spec;
  const mounted: PodSpec = {
    ...spec,
    ...(initContainers?.length ? { initContainers: initContainers.map(mounting) } : {}),
    // Validation, which comes later, asks for at least one.
    ...(containers?.length ? { containers: containers.map(mounting) } : {}),
  };
  return isNeeded && present === undefined ? { ...mounted, volumes: [...volumes, tokenVolume(name)] } : mounted;
}

function tokenVolume(name: string): Volume {
  const fieldRef = { apiVersion: "v1", fieldPath: "metadata.namespace" };
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: POD_EXPIRATION_SECONDS, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        { downwardAPI: { items: [{ path: "namespace", fieldRef }] } },
      ],
      defaultMode: READABLE,
    },
  };
}

/** As Go's `strconv.ParseBool`. */
function isTrue(text: string | undefined): boolean {
  return ["1", "t", "T", "TRUE", "true", "True"].includes(text ?? "");
}

/** An account may say which Secrets its pods may have: no other may be in their volumes and variables. */
function checkSecrets(pod: Pod, spec: PodSpec, account: ServiceAccount): void {
  const who = account.metadata?.name ?? "";
  const named = new Set((account.secrets ?? []).map(({ name }) => name));
  const refuse = (what: string): never => {
    throw refused(pod, `${what} is not allowed because service account ${who} does not reference that secret`);
  };
  for (const { secret } of spec.volumes ?? []) {
    const name = secret?.secretName;
    if (secret !== undefined && !named.has(name ?? "")) refuse(`volume with secret.secretName="${name ?? ""}"`);
  }
  const check = (kind: string, { name: container, env = [], envFrom = [] }: Container): void => {
    for (const { name, valueFrom } of env) {
      const of = valueFrom?.secretKeyRef;
      if (of !== undefined && !named.has(of.name ?? "")) {
        refuse(`${kind} ${container} with envVar ${name} referencing secret.secretName="${of.name ?? ""}"`);
      }
    }
    for (const { secretRef } of envFrom) {
      if (secretRef !== undefined && !named.has(secretRef.name ?? "")) {
        refuse(`${kind} ${container} with envFrom referencing secret.secretName="${secretRef.name ?? ""}"`);
      }
    }
  };
  for (const container of spec.initContainers ?? []) check("init container", container);
  for (const container of spec.containers ?? []) check("container", container);
  const pulls = new Set((account.imagePullSecrets ?? []).map(({ name }) => name));
  for (const [index, { name }] of (spec.imagePullSecrets ?? []).entries()) {
    if (pulls.has(name)) continue;
    const what = `imagePullSecrets[${index}].name="${name ?? ""}"`;
    throw refused(pod, `${what} is not allowed because service account ${who} does not reference that imagePullSecret`);
  }
}
