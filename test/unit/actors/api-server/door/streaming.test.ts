/** Source: kube-apiserver `pkg/registry/core/pod/strategy.go`; the words of refusals were asked of 1.37. */
import { describe, expect, it } from "vitest";
import { Query } from "../../../../../actors/api-server/core/rest/query.ts";
import {
  isStreamPath,
  kubeletStreamPath,
  parseStreamPath,
} from "../../../../../actors/api-server/core/rest/streaming.ts";
import type { Pod } from "../../../../../protocols/kubernetes/types/core-v1.ts";

const two: Pod = {
  metadata: { name: "two" },
  spec: { initContainers: [{ name: "i" }], containers: [{ name: "a" }, { name: "b" }] },
};
const one: Pod = { metadata: { name: "one" }, spec: { containers: [{ name: "a" }] } };

describe("a request to reach into a pod", () => {
  it("is known by its path and its method", () => {
    const path = "/api/v1/namespaces/ns/pods/p%2Fq/exec?command=ls";
    expect(parseStreamPath("GET", path)).toEqual({ namespace: "ns", name: "p/q", subresource: "exec" });
    expect(parseStreamPath("POST", "/api/v1/namespaces/ns/pods/p/portforward")?.subresource).toBe("portforward");
    const others = ["/api/v1/namespaces/ns/pods/p/exec/more", "/api/v1/pods/p/exec", "/api/v1/namespaces/ns/pods/p"];
    for (const other of others) {
      expect(isStreamPath(other)).toBe(false);
      expect(parseStreamPath("GET", other)).toBeUndefined();
    }
    expect(parseStreamPath("DELETE", path)).toBeUndefined();
    expect(() => parseStreamPath("GET", "/api/v1/namespaces/%zz/pods/p/exec")).toThrow("invalid URL escape");
  });

  const pathOf = (pod: Pod, subresource: "attach" | "exec" | "portforward", query: string): string =>
    kubeletStreamPath(pod, { namespace: "ns", name: "p", subresource }, new Query(query));

  it("asks the kubelet under its own names", () => {
    expect(pathOf(one, "exec", "command=ls&command=-l%20x&stdin=true&stdout=1&stderr=false&tty=true")).toBe(
      "/exec/ns/p/a?input=1&output=1&tty=1&command=ls&command=-l%20x",
    );
    expect(pathOf(two, "attach", "container=i&stdout=true&command=no")).toBe("/attach/ns/p/i?output=1");
    expect(pathOf(one, "portforward", "ports=80&ports=81")).toBe("/portForward/ns/p?port=80&port=81");
    expect(pathOf(one, "portforward", "")).toBe("/portForward/ns/p");
  });

  it("is refused where it is not clear which container is meant", () => {
    const choose = "a container name must be specified for pod two, choose one of: [i a b]";
    expect(() => pathOf(two, "exec", "command=ls&stdout=1")).toThrow(choose);
    expect(() => pathOf(two, "exec", "container=zz")).toThrow("container zz is not valid for pod two");
  });
});
