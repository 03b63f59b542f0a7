import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { environmentOf, expand, serviceEnvironment } from "../../../../../actors/kubelet/core/environment.ts";
import { wishKey } from "../../../../../actors/kubelet/core/token-life.ts";
import type { PodFacts, Sources } from "../../../../../actors/kubelet/core/sources.ts";
import { decodeBase64 } from "../../../../../actors/kubelet/core/sources.ts";
import type { Container, EnvVar, Pod, Service } from "../../../../../protocols/kubernetes/types/core-v1.ts";

const pod: Pod = {
  metadata: {
    name: "web-1",
    namespace: "shop",
    uid: "u-1",
    labels: { app: "web", tier: "front" },
    annotations: { note: "a\nb" },
  },
  spec: { containers: [], nodeName: "worker-1", serviceAccountName: "default" },
};
const facts: PodFacts = {
  pod,
  podIP: "127.64.1.2",
  hostIP: "127.32.0.2",
  nodeName: "worker-1",
  allocatable: { cpu: "4", memory: "8Gi" },
};
const sources: Sources = {
  configMap: (name) => (name === "settings" ? { data: { color: "blue", size: "9" } } : undefined),
  secret: (name) => (name === "login" ? { data: { password: "czNjcmV0" } } : undefined),
  token: wishKey,
};

function env(variables: readonly EnvVar[], container: Partial<Container> = {}): Readonly<Record<string, string>> {
  return environmentOf({ name: "main", ...container, env: variables }, facts, [], sources);
}

describe("expansion", () => {
  const lookup = (name: string): string | undefined => ({ A: "1", B: "$(A)" })[name];
  // The cases of k8s.io/kubernetes/third_party/forked/golang/expansion.
  it.each([
    ["$(A)", "1"],
    ["$(A)-$(A)", "1-1"],
    ["$(B)", "$(A)"],
    ["$(UNKNOWN)", "$(UNKNOWN)"],
    ["$$(A)", "$(A)"],
    ["$$$(A)", "$1"],
    ["$$$$(A)", "$$(A)"],
    ["$A $", "$A $"],
    ["$(A", "$(A"],
    ["f$(A)o", "f1o"],
  ])("%s becomes %s", (text, expected) => expect(expand(text, lookup)).toBe(expected));
});

describe("a container's environment", () => {
  it("sees earlier variables and those of Services in later ones", () => {
    const service: Service = {
      metadata: { name: "db", namespace: "shop" },
      spec: { clusterIP: "127.96.0.9", ports: [{ port: 5432 }] },
    };
    const container = {
      name: "main",
      env: [
        { name: "HOST", value: "x" },
        { name: "URL", value: "$(HOST):$(DB_SERVICE_PORT)" },
      ],
    };
    expect(environmentOf(container, facts, [service], sources)["URL"]).toBe("x:5432");
  });

  it("lets env win over envFrom, and later sources over earlier ones", () => {
    const result = env([{ name: "color", value: "red" }], {
      envFrom: [{ configMapRef: { name: "settings" } }, { prefix: "S_", secretRef: { name: "login" } }],
    });
    expect(result).toMatchObject({ color: "red", size: "9", S_password: "s3cret" });
  });

  it.each([
    ["metadata.name", "web-1"],
    ["metadata.namespace", "shop"],
    ["metadata.uid", "u-1"],
    ["metadata.labels['app']", "web"],
    ["metadata.labels", 'app="web"\ntier="front"'],
    ["metadata.annotations['note']", "a\nb"],
    ["metadata.annotations['none']", ""],
    ["spec.nodeName", "worker-1"],
    ["spec.serviceAccountName", "default"],
    ["status.podIP", "127.64.1.2"],
    ["status.hostIP", "127.32.0.2"],
  ])("has the downward API's %s", (fieldPath, expected) => {
    expect(env([{ name: "X", valueFrom: { fieldRef: { fieldPath } } }])["X"]).toBe(expected);
  });

  it.each([
    ["limits.cpu", undefined, "1"],
    ["limits.cpu", "1m", "500"],
    ["requests.cpu", "1m", "250"],
    ["limits.memory", "1Mi", "128"],
    ["requests.memory", undefined, "134217728"],
  ])("has the resource %s divided by %s", (resource, divisor, expected) => {
    const resourceFieldRef = { resource, ...(divisor === undefined ? {} : { divisor }) };
    const resources = { limits: { cpu: "500m", memory: "128Mi" }, requests: { cpu: "250m" } };
    expect(env([{ name: "X", valueFrom: { resourceFieldRef } }], { resources })["X"]).toBe(expected);
  });

  it("stands the node's capacity in for a limit that isn't set", () => {
    expect(env([{ name: "X", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } }])["X"]).toBe("4");
  });

  it("fails on what is missing, and skips what is optional", () => {
    const from = (name: string, key: string, optional?: boolean): readonly EnvVar[] => [
      { name: "X", valueFrom: { configMapKeyRef: { name, key, ...(optional === undefined ? {} : { optional }) } } },
    ];
    expect(() => env(from("none", "a"))).toThrow('configmap "none" not found');
    expect(() => env(from("settings", "a"))).toThrow("couldn't find key a in ConfigMap shop/settings");
    expect(env(from("none", "a", true))).not.toHaveProperty("X");
    expect(env(from("settings", "a", true))).not.toHaveProperty("X");
    expect(() => env([], { envFrom: [{ secretRef: { name: "none" } }] })).toThrow('secret "none" not found');
  });
});

describe("the variables of Services", () => {
  const service = (name: string, namespace: string, clusterIP: string): Service => ({
    metadata: { name, namespace },
    spec: {
      clusterIP,
      ports: [
        { name: "http", port: 80 },
        { name: "metrics", port: 9090 },
      ],
    },
  });

  it("name the place where a Service's port is really served, where its own could not be had", () => {
    const moved = service("my-web", "shop", "127.96.0.7");
    const at = (text: string): Readonly<Record<string, string>> => {
      const annotations = { "inkube.dev/address": text };
      return serviceEnvironment([{ ...moved, metadata: { ...moved.metadata, annotations } }], "shop", true);
    };
    expect(at('{"80":"127.96.0.8:41233"}')).toMatchObject({
      MY_WEB_SERVICE_HOST: "127.96.0.8",
      MY_WEB_SERVICE_PORT: "41233",
      MY_WEB_PORT_80_TCP: "tcp://127.96.0.8:41233",
      MY_WEB_PORT_9090_TCP: "tcp://127.96.0.7:9090",
    });
    for (const text of ["", "null", '{"80":7}', "nonsense"])
      expect(at(text)).toEqual(serviceEnvironment([moved], "shop", true));
  });

  it("are those of Kubernetes and of Docker links", () => {
    expect(serviceEnvironment([service("my-web", "shop", "127.96.0.7")], "shop", true)).toEqual({
      MY_WEB_SERVICE_HOST: "127.96.0.7",
      MY_WEB_SERVICE_PORT: "80",
      MY_WEB_SERVICE_PORT_HTTP: "80",
      MY_WEB_SERVICE_PORT_METRICS: "9090",
      MY_WEB_PORT: "tcp://127.96.0.7:80",
      MY_WEB_PORT_80_TCP: "tcp://127.96.0.7:80",
      MY_WEB_PORT_80_TCP_PROTO: "tcp",
      MY_WEB_PORT_80_TCP_PORT: "80",
      MY_WEB_PORT_80_TCP_ADDR: "127.96.0.7",
      MY_WEB_PORT_9090_TCP: "tcp://127.96.0.7:9090",
      MY_WEB_PORT_9090_TCP_PROTO: "tcp",
      MY_WEB_PORT_9090_TCP_PORT: "9090",
      MY_WEB_PORT_9090_TCP_ADDR: "127.96.0.7",
    });
  });

  it("leave out other namespaces and headless Services, but never the API's own", () => {
    const all = [
      service("kubernetes", "default", "127.96.0.1"),
      service("other", "elsewhere", "127.96.0.2"),
      service("headless", "shop", "None"),
      service("web", "shop", "127.96.0.3"),
    ];
    const hosts = (links: boolean): readonly string[] =>
      Object.keys(serviceEnvironment(all, "shop", links)).filter((key) => key.endsWith("_SERVICE_HOST"));
    expect(hosts(true)).toEqual(["KUBERNETES_SERVICE_HOST", "WEB_SERVICE_HOST"]);
    expect(hosts(false)).toEqual(["KUBERNETES_SERVICE_HOST"]);
  });
});

it("base64 is decoded as everybody encodes it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect([...decodeBase64(Buffer.from(bytes).toString("base64"))]).toEqual([...bytes]);
    }),
  );
  expect(() => decodeBase64("a*b")).toThrow("base64");
});
