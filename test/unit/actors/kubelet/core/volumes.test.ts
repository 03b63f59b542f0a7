import { expect, it } from "vitest";
import type { PodFacts, Sources } from "../../../../../actors/kubelet/core/sources.ts";
import { mountsOf, planVolumes, volumeVariables } from "../../../../../actors/kubelet/core/volumes.ts";
import type { Volume } from "../../../../../protocols/kubernetes/core-v1.ts";

const sources: Sources = {
  configMap: (name) => (name === "settings" ? { data: { a: "1", b: "2" }, binaryData: { c: "AAE=" } } : undefined),
  secret: (name) => (name === "login" ? { data: { password: "czNjcmV0" } } : undefined),
};

function files(volume: Omit<Volume, "name">): Record<string, string> {
  const facts: PodFacts = {
    pod: { metadata: { name: "web" }, spec: { containers: [{ name: "main" }], volumes: [{ name: "v", ...volume }] } },
    podIP: "127.64.0.1",
    hostIP: "127.32.0.1",
    nodeName: "worker-0",
    allocatable: { cpu: "1", memory: "1Gi" },
  };
  const [plan] = planVolumes(facts, sources);
  if (plan?.kind !== "files") throw new Error(`a volume of the kind ${plan?.kind}`);
  return Object.fromEntries([...plan.files].map(([path, bytes]) => [path, Buffer.from(bytes).toString("latin1")]));
}

it.each<[string, Omit<Volume, "name">, Record<string, string>]>([
  ["a whole ConfigMap", { configMap: { name: "settings" } }, { a: "1", b: "2", c: "\0\u0001" }],
  [
    "chosen keys at other paths",
    { configMap: { name: "settings", items: [{ key: "a", path: "x/y" }] } },
    { "x/y": "1" },
  ],
  ["a Secret", { secret: { secretName: "login" } }, { password: "s3cret" }],
  ["an optional one that is missing", { secret: { secretName: "none", optional: true } }, {}],
  [
    "the downward API",
    { downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
    { name: "web" },
  ],
  [
    "several sources in one",
    {
      projected: {
        sources: [
          { configMap: { name: "settings", items: [{ key: "a", path: "a" }] } },
          { secret: { name: "login" } },
          { serviceAccountToken: { path: "token" } },
          { configMap: { name: "kube-root-ca.crt" } },
        ],
      },
    },
    { a: "1", password: "s3cret" },
  ],
])("a volume of %s", (_what, volume, expected) => expect(files(volume)).toEqual(expected));

it.each<[string, Omit<Volume, "name">, string]>([
  ["a ConfigMap that is missing", { configMap: { name: "none" } }, 'configmap "none" not found'],
  ["a key that is missing", { configMap: { name: "settings", items: [{ key: "z", path: "z" }] } }, 'has no key "z"'],
  ["a path that climbs out", { configMap: { name: "settings", items: [{ key: "a", path: "../a" }] } }, "no path below"],
  ["an absolute path", { configMap: { name: "settings", items: [{ key: "a", path: "/a" }] } }, "no path below"],
  ["a kind that isn't supported", { nfs: { server: "x", path: "/" } }, "nfs"],
])("refuses %s", (_what, volume, message) => expect(() => files(volume)).toThrow(message));

it("mounts lead to directories, files below them, and places of the machine", () => {
  const container = {
    name: "main",
    volumeMounts: [
      { name: "config", mountPath: "/etc/config", readOnly: true },
      { name: "config", mountPath: "/etc/one", subPath: "one" },
      { name: "data-dir", mountPath: "/data", subPathExpr: "$(POD)" },
      { name: "host", mountPath: "/host" },
    ],
  };
  const plans = [
    { kind: "files" as const, name: "config", files: new Map<string, Uint8Array>() },
    { kind: "empty" as const, name: "data-dir" },
    { kind: "host" as const, name: "host", path: "/srv" },
  ];
  const mounts = mountsOf(
    container,
    plans,
    (volume) => `/volumes/${volume}`,
    (path) => path.replace("$(POD)", "web-1"),
  );
  expect(mounts.map(({ containerPath, hostPath, readonly }) => [containerPath, hostPath, readonly])).toEqual([
    ["/etc/config", "/volumes/config", true],
    ["/etc/one", "/volumes/config/one", false],
    ["/data", "/volumes/data-dir/web-1", false],
    ["/host", "/srv", false],
  ]);
  expect(volumeVariables(container, mounts)).toMatchObject({
    INKUBE_VOLUME_CONFIG: "/volumes/config",
    INKUBE_VOLUME_DATA_DIR: "/volumes/data-dir/web-1",
  });
});
