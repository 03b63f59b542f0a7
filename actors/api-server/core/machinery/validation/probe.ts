/** Rules of probes and hooks. Source: Kubernetes `validateProbe`, `validateLifecycle`, `validateHandler`. */
import type { Container, LifecycleHandler, Probe } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { FieldErrors } from "./field-errors.ts";
import { portName } from "./names.ts";

export const PORT_MAX = 65_535;

/** What a pod says that its hooks depend on. */
export interface PodOfHook {
  readonly graceSeconds: number | undefined;
}

export function validateLifecycle(at: string, { lifecycle }: Container, pod: PodOfHook, errors: FieldErrors): void {
  for (const hook of ["postStart", "preStop"] as const) {
    const handler = lifecycle?.[hook];
    if (handler) validateHandler(`${at}.lifecycle.${hook}`, handler, pod, errors);
  }
}

export function validateProbes(at: string, container: Container, pod: PodOfHook, errors: FieldErrors): void {
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe"] as const) {
    const probe = container[name];
    if (probe) validateProbe(`${at}.${name}`, probe, name, pod, errors);
  }
}

function validateProbe(at: string, probe: Probe, name: string, pod: PodOfHook, errors: FieldErrors): void {
  validateHandler(at, probe, pod, errors);
  for (const key of [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ] as const) {
    errors.notNegative(`${at}.${key}`, probe[key]);
  }
  const grace = probe.terminationGracePeriodSeconds;
  const field = `${at}.terminationGracePeriodSeconds`;
  if (typeof grace === "number" && grace <= 0) errors.invalid(field, grace, "must be greater than 0");
  if (name === "readinessProbe") {
    if (grace !== undefined) errors.invalid(field, grace, "must not be set for readinessProbes");
  } else if (probe.successThreshold !== 1) {
    errors.invalid(`${at}.successThreshold`, probe.successThreshold, "must be 1");
  }
}

type Handler = LifecycleHandler & Probe;

const HEADER_NAME = /^[-A-Za-z0-9]+$/;

function validateHandler(at: string, handler: Handler, pod: PodOfHook, errors: FieldErrors): void {
  let handlers = 0;
  const another = (kind: string): boolean => {
    if (handlers++ === 0) return true;
    errors.forbidden(`${at}.${kind}`, "may not specify more than 1 handler type");
    return false;
  };
  if (handler.exec && another("exec") && (handler.exec.command ?? []).length === 0) {
    errors.required(`${at}.exec.command`);
  }
  if (handler.httpGet && another("httpGet")) validateHttpGet(`${at}.httpGet`, handler.httpGet, errors);
  if (handler.tcpSocket && another("tcpSocket")) {
    validatePortNumOrName(`${at}.tcpSocket.port`, handler.tcpSocket.port, errors);
  }
  if (handler.grpc && another("grpc")) validatePortNumOrName(`${at}.grpc.port`, handler.grpc.port, errors);
  if (handler.sleep && another("sleep")) {
    const { seconds } = handler.sleep;
    const grace = pod.graceSeconds;
    if (grace !== undefined && (seconds < 0 || seconds > grace)) {
      const detail = `must be non-negative and less than terminationGracePeriodSeconds (${grace})`;
      errors.invalid(`${at}.sleep`, seconds, detail);
    }
  }
  if (handlers === 0) errors.required(at, "must specify a handler type");
}

function validateHttpGet(at: string, get: NonNullable<Handler["httpGet"]>, errors: FieldErrors): void {
  if (!get.path) errors.required(`${at}.path`);
  validatePortNumOrName(`${at}.port`, get.port, errors);
  errors.oneOf(`${at}.scheme`, get.scheme, ["HTTP", "HTTPS"]);
  for (const { name } of get.httpHeaders ?? []) {
    if (HEADER_NAME.test(name)) continue;
    const detail =
      "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
    errors.invalid(`${at}.httpHeaders`, name, detail);
  }
}

export function validatePortNumOrName(field: string, port: number | string, errors: FieldErrors): void {
  if (typeof port === "number") errors.inRange(field, port, 1, PORT_MAX);
  else errors.all(field, port, portName(port));
}
