/** Rules of containers. Source: Kubernetes `pkg/apis/core/validation/validation.go`, `validateContainers` and what it calls. */
import type {
  Container,
  ContainerPort,
  EnvVar,
  EnvVarSource,
  LifecycleHandler,
  Probe,
  VolumeMount,
} from "../../../../../protocols/kubernetes/core-v1.ts";
import type { FieldErrors } from "./field-errors.ts";
import { configKey, dns1123Label, dns1123Subdomain, envVarName, portName, qualifiedName } from "./names.ts";
import { validateResources } from "./resources.ts";

export const PORT_MAX = 65_535;
export const PROTOCOLS: readonly string[] = ["SCTP", "TCP", "UDP"];

export interface PodOfContainer {
  /** Names of its volumes. */
  readonly volumes: ReadonlySet<string>;
  readonly hostNetwork: boolean;
}

export function validateContainers(
  field: string,
  containers: readonly Container[] | null | undefined,
  names: Set<string>,
  pod: PodOfContainer,
  errors: FieldErrors,
): void {
  for (const [i, container] of (containers ?? []).entries()) {
    const at = `${field}[${i}]`;
    if (!container.name) errors.required(`${at}.name`);
    else errors.all(`${at}.name`, container.name, dns1123Label(container.name));
    if (names.has(container.name)) errors.duplicate(`${at}.name`, container.name);
    names.add(container.name);
    validateImage(`${at}.image`, container.image ?? "", errors);
    if (field.endsWith("initContainers")) validateInitContainer(at, container, errors);
    else {
      validateLifecycle(at, container, errors);
      validateProbes(at, container, errors);
    }
    errors.oneOf(`${at}.terminationMessagePolicy`, container.terminationMessagePolicy, [
      "File",
      "FallbackToLogsOnError",
    ]);
    validatePorts(`${at}.ports`, container.ports ?? [], pod.hostNetwork, errors);
    validateEnv(`${at}.env`, container.env ?? [], errors);
    validateEnvFrom(`${at}.envFrom`, container.envFrom ?? [], errors);
    validateMounts(`${at}.volumeMounts`, container.volumeMounts ?? [], pod.volumes, errors);
    errors.oneOf(`${at}.imagePullPolicy`, container.imagePullPolicy, ["Always", "IfNotPresent", "Never"]);
    validateResources(`${at}.resources`, container.resources, errors);
  }
}

function validateImage(field: string, image: string, errors: FieldErrors): void {
  if (image === "") errors.required(field);
  else if (image.trim() !== image) errors.invalid(field, image, "must not have leading or trailing whitespace");
}

function validateInitContainer(at: string, container: Container, errors: FieldErrors): void {
  if (container.restartPolicy === "Always") {
    validateLifecycle(at, container, errors);
    validateProbes(at, container, errors);
    return;
  }
  if (container.restartPolicy !== undefined && container.restartPolicy !== null) {
    errors.oneOf(`${at}.restartPolicy`, container.restartPolicy, ["Always"]);
  }
  for (const part of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const) {
    if (container[part] === undefined || container[part] === null) continue;
    errors.forbidden(`${at}.${part}`, "may not be set for init containers without restartPolicy=Always");
  }
}

function validateLifecycle(at: string, { lifecycle }: Container, errors: FieldErrors): void {
  for (const hook of ["postStart", "preStop"] as const) {
    const handler = lifecycle?.[hook];
    if (handler) validateHandler(`${at}.lifecycle.${hook}`, handler, errors);
  }
}

function validateProbes(at: string, container: Container, errors: FieldErrors): void {
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe"] as const) {
    const probe = container[name];
    if (probe) validateProbe(`${at}.${name}`, probe, name, errors);
  }
}

function validateProbe(at: string, probe: Probe, name: string, errors: FieldErrors): void {
  validateHandler(at, probe, errors);
  for (const key of [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
    "terminationGracePeriodSeconds",
  ] as const) {
    errors.notNegative(`${at}.${key}`, probe[key]);
  }
  if (name === "readinessProbe") {
    if (probe.terminationGracePeriodSeconds !== undefined) {
      errors.invalid(
        `${at}.terminationGracePeriodSeconds`,
        probe.terminationGracePeriodSeconds,
        "must not be set for readinessProbes",
      );
    }
  } else if (probe.successThreshold !== 1) {
    errors.invalid(`${at}.successThreshold`, probe.successThreshold, "must be 1");
  }
}

type Handler = LifecycleHandler & Probe;

function validateHandler(at: string, handler: Handler, errors: FieldErrors): void {
  let handlers = 0;
  const another = (kind: string): boolean => {
    if (handlers++ === 0) return true;
    errors.forbidden(`${at}.${kind}`, "may not specify more than 1 handler type");
    return false;
  };
  if (handler.exec && another("exec") && (handler.exec.command ?? []).length === 0) {
    errors.required(`${at}.exec.command`);
  }
  if (handler.httpGet && another("httpGet")) {
    if (!handler.httpGet.path) errors.required(`${at}.httpGet.path`);
    validatePortNumOrName(`${at}.httpGet.port`, handler.httpGet.port, errors);
    errors.oneOf(`${at}.httpGet.scheme`, handler.httpGet.scheme, ["HTTP", "HTTPS"]);
  }
  if (handler.tcpSocket && another("tcpSocket")) {
    validatePortNumOrName(`${at}.tcpSocket.port`, handler.tcpSocket.port, errors);
  }
  if (handler.grpc && another("grpc")) validatePortNumOrName(`${at}.grpc.port`, handler.grpc.port, errors);
  if (handler.sleep && another("sleep")) errors.notNegative(`${at}.sleep.seconds`, handler.sleep.seconds);
  if (handlers === 0) errors.required(at, "must specify a handler type");
}

export function validatePortNumOrName(field: string, port: number | string, errors: FieldErrors): void {
  if (typeof port === "number") errors.inRange(field, port, 1, PORT_MAX);
  else errors.all(field, port, portName(port));
}

function validatePorts(
  field: string,
  ports: readonly ContainerPort[],
  hostNetwork: boolean,
  errors: FieldErrors,
): void {
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const at = `${field}[${i}]`;
    if (port.name) {
      const problems = portName(port.name);
      errors.all(`${at}.name`, port.name, problems);
      if (problems.length === 0 && names.has(port.name)) errors.duplicate(`${at}.name`, port.name);
      names.add(port.name);
    }
    if (port.containerPort === 0) errors.required(`${at}.containerPort`);
    else errors.inRange(`${at}.containerPort`, port.containerPort, 1, PORT_MAX);
    if (port.hostPort) errors.inRange(`${at}.hostPort`, port.hostPort, 1, PORT_MAX);
    errors.oneOf(`${at}.protocol`, port.protocol, PROTOCOLS);
    if (hostNetwork && port.hostPort !== port.containerPort) {
      errors.invalid(`${at}.hostPort`, port.hostPort ?? 0, "must match `containerPort` when `hostNetwork` is true");
    }
  }
}

/** What `fieldRef` can name, besides single labels and annotations. */
const ENV_FIELDS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
/** Whole maps can only be named in files. */
export const FILE_FIELDS: readonly string[] = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];
const KNOWN_FIELDS: ReadonlySet<string> = new Set([...ENV_FIELDS, ...FILE_FIELDS]);
const SUBSCRIPTED = /^metadata\.(labels|annotations)\['(.*)'\]$/;
const ENV_RESOURCES = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];

function validateEnv(field: string, variables: readonly EnvVar[], errors: FieldErrors): void {
  for (const [i, variable] of variables.entries()) {
    const at = `${field}[${i}]`;
    if (!variable.name) errors.required(`${at}.name`);
    else errors.all(`${at}.name`, variable.name, envVarName(variable.name));
    if (!variable.valueFrom) continue;
    if (variable.value) errors.invalid(`${at}.valueFrom`, "", "may not be specified when `value` is not empty");
    else validateEnvSource(`${at}.valueFrom`, variable.valueFrom, errors);
  }
}

function validateEnvSource(at: string, source: EnvVarSource, errors: FieldErrors): void {
  const given = Object.values(source).filter((value) => value !== undefined && value !== null).length;
  if (given === 0) {
    const detail =
      "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
    errors.invalid(at, "", detail);
  } else if (given > 1) errors.invalid(at, "", "may not have more than one field specified at a time");
  if (source.fieldRef) validateFieldRef(`${at}.fieldRef.fieldPath`, source.fieldRef.fieldPath, ENV_FIELDS, errors);
  if (source.resourceFieldRef) {
    const { resource } = source.resourceFieldRef;
    if (!resource) errors.required(`${at}.resourceFieldRef.resource`);
    else if (!/^(limits|requests)\.hugepages-/.test(resource)) {
      errors.oneOf(`${at}.resourceFieldRef.resource`, resource, ENV_RESOURCES);
    }
  }
  for (const kind of ["configMapKeyRef", "secretKeyRef"] as const) {
    const ref = source[kind];
    if (!ref) continue;
    errors.all(`${at}.${kind}.name`, ref.name ?? "", dns1123Subdomain(ref.name ?? ""));
    if (!ref.key) errors.required(`${at}.${kind}.key`);
    else errors.all(`${at}.${kind}.key`, ref.key, configKey(ref.key));
  }
}

/**
 * What the names of fields are for: variables or files. A name that is a field of pods, but not of this list, is
 * "unsupported", any other can't be converted.
 */
export function validateFieldRef(field: string, path: string, plain: readonly string[], errors: FieldErrors): void {
  if (!path) return errors.required(field);
  const subscript = SUBSCRIPTED.exec(path);
  if (subscript !== null) {
    const key = subscript[2] ?? "";
    return errors.all(field, key, qualifiedName(subscript[1] === "annotations" ? key.toLowerCase() : key));
  }
  if (KNOWN_FIELDS.has(path)) errors.oneOf(field, path, plain);
  else errors.invalid(field, path, `error converting fieldPath: field label not supported: ${path}`);
}

function validateEnvFrom(field: string, sources: NonNullable<Container["envFrom"]>, errors: FieldErrors): void {
  for (const [i, source] of sources.entries()) {
    const at = `${field}[${i}]`;
    if (source.prefix) errors.all(`${at}.prefix`, source.prefix, envVarName(source.prefix));
    if (!source.configMapRef && !source.secretRef) {
      errors.invalid(field, "", "must specify one of: `configMapRef` or `secretRef`");
    } else if (source.configMapRef && source.secretRef) {
      errors.invalid(field, "", "may not have more than one field specified at a time");
    }
    for (const kind of ["configMapRef", "secretRef"] as const) {
      const ref = source[kind];
      if (ref) errors.all(`${at}.${kind}.name`, ref.name ?? "", dns1123Subdomain(ref.name ?? ""));
    }
  }
}

function validateMounts(
  field: string,
  mounts: readonly VolumeMount[],
  volumes: ReadonlySet<string>,
  errors: FieldErrors,
): void {
  const paths = new Set<string>();
  for (const [i, mount] of mounts.entries()) {
    const at = `${field}[${i}]`;
    if (!mount.name) errors.required(`${at}.name`);
    else if (!volumes.has(mount.name)) errors.notFound(`${at}.name`, mount.name);
    if (!mount.mountPath) errors.required(`${at}.mountPath`);
    else if (paths.has(mount.mountPath)) errors.invalid(`${at}.mountPath`, mount.mountPath, "must be unique");
    paths.add(mount.mountPath);
    if (mount.subPath && mount.subPathExpr) {
      errors.invalid(`${at}.subPathExpr`, mount.subPathExpr, "subPathExpr and subPath are mutually exclusive");
    }
    for (const key of ["subPath", "subPathExpr"] as const) {
      const path = mount[key];
      // Kubernetes leaves the index out of this one.
      if (path) validateRelativePath(`${field}.${key}`, path, errors);
    }
  }
}

export function validateRelativePath(field: string, path: string, errors: FieldErrors): void {
  if (path.startsWith("/")) errors.invalid(field, path, "must be a relative path");
  if (path.split("/").includes("..")) errors.invalid(field, path, "must not contain '..'");
}
