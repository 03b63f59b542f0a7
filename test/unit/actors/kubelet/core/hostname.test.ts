import { expect, it } from "vitest";
import { etcHosts, hostnameOf } from "../../../../../actors/kubelet/core/hostname.ts";
import type { PodSpec } from "../../../../../protocols/kubernetes/types/core-v1.ts";

const pod = (spec: Partial<PodSpec>, name = "web-0") => ({
  metadata: { name, namespace: "shop" },
  spec: { containers: [], ...spec },
});

it.each<[string, Partial<PodSpec>, string]>([
  ["its name", {}, "web-0"],
  ["what its spec says", { hostname: "db" }, "db"],
  [
    "its whole name where that is asked for",
    { subdomain: "web", setHostnameAsFQDN: true },
    "web-0.web.shop.svc.cluster.local",
  ],
  ["its short name where it has no subdomain", { setHostnameAsFQDN: true }, "web-0"],
  ["what overrides all else", { hostname: "db", hostnameOverride: "other.example" }, "other.example"],
])("a pod's host is called by %s", (_what, spec, expected) => expect(hostnameOf(pod(spec))).toBe(expected));

it("a name too long for a host is cut, and doesn't end with a dash", () => {
  expect(hostnameOf(pod({}, `${"a".repeat(62)}-tail`))).toBe("a".repeat(62));
});

it("/etc/hosts has the pod's own names, long and short, and its aliases", () => {
  const spec = { subdomain: "web", hostAliases: [{ ip: "127.1.2.3", hostnames: ["Extra", "more"] }] };
  expect(etcHosts(pod(spec), "web-0", "127.64.0.1")).toEqual({
    extra: ["127.1.2.3"],
    more: ["127.1.2.3"],
    "web-0": ["127.64.0.1"],
    "web-0.web": ["127.64.0.1"],
    "web-0.web.shop.svc.cluster.local": ["127.64.0.1"],
  });
});
