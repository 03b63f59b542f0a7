/**
 * Whether the API that an APIService names can be reached. Source: kube-aggregator
 * `pkg/controllers/status/{local,remote}`.
 */
import type { APIService, APIServiceCondition } from "../../../../protocols/kubernetes/types/apiregistration-v1.ts";
import type { Service } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { EndpointSlice } from "../../../../protocols/kubernetes/types/discovery-v1.ts";
import { formatTime } from "../machinery/time.ts";
import { serviceEndpoints, servicePort } from "./service-endpoints.ts";

/** Without its time. */
export type Finding = Pick<APIServiceCondition, "status"> & { readonly reason: string; readonly message: string };

export const LOCAL: Finding = {
  status: "True",
  reason: "Local",
  message: "Local APIServices are always available",
};

export const PASSED: Finding = { status: "True", reason: "Passed", message: "all checks passed" };

const unavailable = (reason: string, message: string): Finding => ({ status: "False", reason, message });

export function failedDiscovery(url: string, why: string): Finding {
  return unavailable("FailedDiscoveryCheck", `failing or missing response from ${url}: ${why}`);
}

/** What is to be found without asking the server itself; undefined: it must be asked. */
export function findingOf(
  { spec }: APIService,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
): Finding | undefined {
  const reference = spec?.service;
  if (!reference) return LOCAL;
  const { name = "", namespace = "", port = 443 } = reference;
  const called = `service/${name} in "${namespace}"`;
  if (service === undefined) return unavailable("ServiceNotFound", `${called} is not present`);
  if ((service.spec?.type ?? "ClusterIP") !== "ClusterIP") return undefined;
  const found = servicePort(service, port);
  if (found === undefined) {
    return unavailable("ServicePortError", `${called} is not listening on port ${port}`);
  }
  if (slices.length === 0) return unavailable("EndpointsNotFound", `cannot find endpointslices for ${called}`);
  if (serviceEndpoints(service, slices, port).length === 0) {
    const named = JSON.stringify(found.name ?? "");
    return unavailable("MissingEndpoints", `endpointslices for ${called} have no addresses with port name ${named}`);
  }
  return undefined;
}

export function isAvailable({ status }: APIService): boolean {
  return status?.conditions?.some((each) => each.type === "Available" && each.status === "True") === true;
}

/** The conditions with what has been found; the same ones when that is nothing new. */
export function withFinding(
  conditions: readonly APIServiceCondition[] | undefined,
  finding: Finding,
  nowMs: number,
): readonly APIServiceCondition[] | undefined {
  const before = conditions?.find(({ type }) => type === "Available");
  const { status, reason, message } = finding;
  if (before?.status === status && before.reason === reason && before.message === message) return conditions;
  const since = before?.status === status ? before.lastTransitionTime : undefined;
  const next = { type: "Available", ...finding, lastTransitionTime: since ?? formatTime(nowMs) };
  const others = (conditions ?? []).filter(({ type }) => type !== "Available");
  return [...others, next];
}
