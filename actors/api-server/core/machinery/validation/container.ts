/** Rules of containers. Source: Kubernetes `pkg/apis/core/validation/validation.go`, `validateContainers` and what it calls. */
import type {
  Container,
  ContainerPort,
  ContainerRestartRule,
  EphemeralContainer,
  PodSpec,
  Volume,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { validateEnv, validateEnvFrom } from "./env.ts";
import type { FieldErrors } from "./field-errors.ts";
import { validateDevices, validateMounts } from "./mounts.ts";
import { dns1123Label, portName } from "./names.ts";
import type { PodOfHook } from "./probe.ts";
import { PORT_MAX, validateLifecycle, validateProbes } from "./probe.ts";
import { validateResources } from "./resources.ts";
import { validateSecurityContext } from "./security-context.ts";

export { PORT_MAX, validatePortNumOrName } from "./probe.ts";
export const PROTOCOLS: readonly string[] = ["SCTP", "TCP", "UDP"];
const RULES_MAX = 20;
const EXIT_CODES_MAX = 255;

/** What containers refer to in their pod. */
export interface PodOfContainer extends PodOfHook {
  readonly volumes: ReadonlyMap<string, Volume>;
  readonly claims: ReadonlySet<string>;
  readonly restartPolicy: string | undefined;
  readonly hostUsers: boolean;
  /** A template leaves what only pods are asked to the pods made of it. */
  readonly isPod: boolean;
}

export function podOfContainer(spec: PodSpec, volumes: ReadonlyMap<string, Volume>, isPod: boolean): PodOfContainer {
  return {
    volumes,
    claims: new Set((spec.resourceClaims ?? []).map((claim) => claim.name)),
    graceSeconds: spec.terminationGracePeriodSeconds,
    restartPolicy: spec.restartPolicy,
    hostUsers: spec.hostUsers !== false,
    isPod,
  };
}

/** The names that other containers have are in `names`. */
export function validateContainers(
  field: string,
  containers: readonly Container[],
  names: Set<string>,
  pod: PodOfContainer,
  errors: FieldErrors,
): void {
  for (const [i, container] of containers.entries()) {
    const at = `${field}[${i}]`;
    validateCommon(at, container, pod, errors);
    noteName(at, container.name, names, errors);
    validateRestartPolicy(at, container, errors);
    validateLifecycle(at, container, pod, errors);
    validateProbes(at, container, pod, errors);
  }
  validateHostPorts(field, containers, errors);
}

export function validateInitContainers(
  field: string,
  containers: readonly Container[],
  names: Set<string>,
  pod: PodOfContainer,
  errors: FieldErrors,
): void {
  for (const [i, container] of containers.entries()) {
    const at = `${field}[${i}]`;
    validateCommon(at, container, pod, errors);
    validateRestartPolicy(at, container, errors);
    noteName(at, container.name, names, errors);
    validateHostPorts(field, [container], errors);
    if (container.restartPolicy === "Always") {
      validateLifecycle(at, container, pod, errors);
      validateProbes(at, container, pod, errors);
      continue;
    }
    for (const part of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const) {
      const value = container[part];
      // A stop signal is no hook.
      if (value === undefined || (part === "lifecycle" && Object.keys(value).join() === "stopSignal")) continue;
      errors.forbidden(`${at}.${part}`, "may not be set for init containers without restartPolicy=Always");
    }
    for (const [j, { restartPolicy }] of (container.resizePolicy ?? []).entries()) {
      if (restartPolicy !== "RestartContainer") continue;
      const detail = "must not be set to 'RestartContainer' for non-sidecar initContainers";
      errors.invalid(`${at}.resizePolicy[${j}].restartPolicy`, restartPolicy, detail);
    }
  }
}

/** Fields that mean nothing for a container that is added to a running pod. */
const NOT_EPHEMERAL = [
  "ports",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
  "resizePolicy",
  "restartPolicy",
  "restartPolicyRules",
] as const;

export function validateEphemeralContainers(
  field: string,
  containers: readonly EphemeralContainer[],
  names: Set<string>,
  pod: PodOfContainer,
  errors: FieldErrors,
): void {
  const others = new Set(names);
  for (const [i, container] of containers.entries()) {
    const at = `${field}[${i}]`;
    const why = "cannot be set for an Ephemeral Container";
    validateCommon(at, container as Container, pod, errors);
    noteName(at, container.name, names, errors);
    const target = container.targetContainerName;
    if (target && !others.has(target)) errors.notFound(`${at}.targetContainerName`, target);
    for (const part of NOT_EPHEMERAL) if (container[part] !== undefined) errors.forbidden(`${at}.${part}`, why);
    const { limits, requests, claims } = container.resources ?? {};
    if (limits ?? requests ?? claims) errors.forbidden(`${at}.resources`, why);
    for (const [j, mount] of (container.volumeMounts ?? []).entries()) {
      for (const part of ["subPath", "subPathExpr"] as const) {
        if (mount[part]) errors.forbidden(`${at}.volumeMounts[${j}].${part}`, why);
      }
    }
  }
}

function noteName(at: string, name: string, names: Set<string>, errors: FieldErrors): void {
  if (names.has(name)) errors.duplicate(`${at}.name`, name);
  if (name) names.add(name);
}

function validateCommon(at: string, container: Container, pod: PodOfContainer, errors: FieldErrors): void {
  if (!container.name) errors.required(`${at}.name`);
  else errors.all(`${at}.name`, container.name, dns1123Label(container.name));
  const image = container.image ?? "";
  if (image === "") errors.required(`${at}.image`);
  else if (pod.isPod && image.trim() !== image) {
    errors.invalid(`${at}.image`, image, "must not have leading or trailing whitespace");
  }
  const messages = ["File", "FallbackToLogsOnError"];
  errors.oneOf(`${at}.terminationMessagePolicy`, container.terminationMessagePolicy, messages);
  validatePorts(`${at}.ports`, container.ports ?? [], errors);
  validateEnv(`${at}.env`, container.env ?? [], errors);
  validateEnvFrom(`${at}.envFrom`, container.envFrom ?? [], errors);
  validateMounts(`${at}.volumeMounts`, container, pod.volumes, errors);
  validateDevices(`${at}.volumeDevices`, container, pod.volumes, errors);
  errors.oneOf(`${at}.imagePullPolicy`, container.imagePullPolicy, ["Always", "IfNotPresent", "Never"]);
  validateResources(`${at}.resources`, container.resources, pod.claims, errors);
  validateResizePolicy(`${at}.resizePolicy`, container, pod.restartPolicy, errors);
  if (container.securityContext) {
    validateSecurityContext(`${at}.securityContext`, container.securityContext, pod.hostUsers, errors);
  }
}

function validateResizePolicy(
  field: string,
  { resizePolicy = [] }: Container,
  podPolicy: string | undefined,
  errors: FieldErrors,
): void {
  if (resizePolicy.length === 0) return;
  const seen = new Set<string>();
  for (const [i, { resourceName, restartPolicy }] of resizePolicy.entries()) {
    if (seen.has(resourceName)) errors.duplicate(`${field}[${i}]`, resourceName);
    seen.add(resourceName);
    if (!resourceName) errors.required(field);
    else errors.oneOf(field, resourceName, ["cpu", "memory"]);
    if (!restartPolicy) errors.required(field);
    else errors.oneOf(field, restartPolicy, ["NotRequired", "RestartContainer"]);
    if (podPolicy === "Never" && restartPolicy !== "NotRequired") {
      errors.invalid(field, restartPolicy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'");
    }
  }
}

function validateRestartPolicy(at: string, container: Container, errors: FieldErrors): void {
  const { restartPolicy, restartPolicyRules: rules = [] } = container;
  if (restartPolicy === undefined) {
    if (rules.length === 0) return;
    errors.required(`${at}.restartPolicy`, "must specify restartPolicy when restart rules are used");
    // Of an init container Kubernetes looks no further.
    if (at.includes(".initContainers[")) return;
  } else errors.oneOf(`${at}.restartPolicy`, restartPolicy, ["Always", "Never", "OnFailure"]);
  if (rules.length > RULES_MAX) errors.tooMany(`${at}.restartPolicyRules`, rules.length, RULES_MAX);
  for (const [i, rule] of rules.entries()) validateRestartRule(`${at}.restartPolicyRules[${i}]`, rule, errors);
}

function validateRestartRule(at: string, { action, exitCodes }: ContainerRestartRule, errors: FieldErrors): void {
  errors.oneOf(`${at}.action`, action ?? "", ["Restart", "RestartAllContainers"]);
  if (exitCodes === undefined) return errors.required(`${at}.exitCodes`, "must be specified");
  errors.oneOf(`${at}.exitCodes.operator`, exitCodes.operator, ["In", "NotIn"]);
  const count = (exitCodes.values ?? []).length;
  if (count > EXIT_CODES_MAX) errors.tooMany(`${at}.exitCodes.values`, count, EXIT_CODES_MAX);
}

/** No two containers of one list may have one port of the node. */
function validateHostPorts(field: string, containers: readonly Container[], errors: FieldErrors): void {
  const taken = new Set<string>();
  for (const [i, { ports = [] }] of containers.entries()) {
    for (const [j, { protocol, hostIP = "", hostPort }] of ports.entries()) {
      if (!hostPort) continue;
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key)) errors.duplicate(`${field}[${i}].ports[${j}].hostPort`, key);
      taken.add(key);
    }
  }
}

function validatePorts(field: string, ports: readonly ContainerPort[], errors: FieldErrors): void {
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
  }
}
