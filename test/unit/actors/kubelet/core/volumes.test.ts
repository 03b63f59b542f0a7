import { expect, it } from "vitest";
import { mountNoticesOf, noticesOf } from "../../../../../actors/kubelet/core/notices.ts";
import { wishKey } from "../../../../../actors/kubelet/core/token-life.ts";
import type { PodFacts, Sources } from "../../../../../actors/kubelet/core/sources.ts";
import { hasLiveVolumes, mountsOf, planVolumes, volumeVariables } from "../../../../../actors/kubelet/core/volumes.ts";
import type { PersistentVolume, Volume } from "../../../../../protocols/kubernetes/types/core-v1.ts";

const sources: Sources = {
  configMap: (name) => (name === "settings" ? { data: { a: "1", b: "2" }, binaryData: { c: "AAE=" } } : undefined),
  secret: (name) => (name === "login" ? { data: { password: "czNjcmV0" } } : undefined),
  token: wishKey,
};

function planOf(volume: Omit<Volume, "name">, fsGroup?: number, bound?: PersistentVolume) {
  const securityContext = fsGroup === undefined ? {} : { fsGroup };
  const facts: PodFacts = {
    pod: {
      metadata: { name: "web", labels: { a: "1" } },
      spec: { securityContext, containers: [{ name: "main" }], volumes: [{ name: "v", ...volume }] },
    },
    podIP: "127.64.0.1",
    hostIP: "127.32.0.1",
    nodeName: "worker-0",
    allocatable: { cpu: "1", memory: "1Gi" },
  };
  const claimed = { volumes: new Map(bound === undefined ? [] : [["v", bound]]), root: "/data/volumes" };
  const [plan] = planVolumes(facts, sources, claimed);
  return plan!;
}

function filesOf(volume: Omit<Volume, "name">, fsGroup?: number) {
  const plan = planOf(volume, fsGroup);
  if (plan.kind !== "files") throw new Error(`a volume of the kind ${plan.kind}`);
  return plan.files;
}

const files = (volume: Omit<Volume, "name">): Record<string, string> =>
  Object.fromEntries([...filesOf(volume)].map(([path, { bytes }]) => [path, Buffer.from(bytes).toString("latin1")]));

it.each<[string, Omit<Volume, "name">, Record<string, string>]>([
  ["a whole ConfigMap", { configMap: { name: "settings" } }, { a: "1", b: "2", c: "\0\u0001" }],
  [
    "chosen keys at other paths",
    { configMap: { name: "settings", items: [{ key: "a", path: "x/y" }] } },
    { "x/y": "1" },
  ],
  ["a Secret", { secret: { secretName: "login" } }, { password: "s3cret" }],
  [
    "an optional key that is missing beside one that is there",
    {
      configMap: {
        name: "settings",
        optional: true,
        items: [
          { key: "z", path: "z" },
          { key: "a", path: "a" },
        ],
      },
    },
    { a: "1" },
  ],
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
          { downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
        ],
      },
    },
    { a: "1", password: "s3cret", name: "web" },
  ],
  [
    "tokens of the pod's account",
    {
      projected: {
        sources: [
          { serviceAccountToken: { path: "token", expirationSeconds: 3_607 } },
          { serviceAccountToken: { path: "vault/token", audience: "vault" } },
        ],
      },
    },
    { token: "3607 ", "vault/token": "3600 vault" },
  ],
])("a volume of %s", (_what, volume, expected) => expect(files(volume)).toEqual(expected));

it.each<[string, Omit<Volume, "name">, string]>([
  ["a ConfigMap that is missing", { configMap: { name: "none" } }, 'configmap "none" not found'],
  [
    "a key that a ConfigMap hasn't",
    { configMap: { name: "settings", items: [{ key: "z", path: "z" }] } },
    'MountVolume.SetUp failed for volume "v" : configmap references non-existent config key: z',
  ],
  [
    "a key that a Secret hasn't",
    { secret: { secretName: "login", items: [{ key: "z", path: "z" }] } },
    'MountVolume.SetUp failed for volume "v" : references non-existent secret key: z',
  ],
  [
    "a field that isn't known when volumes are filled",
    { downwardAPI: { items: [{ path: "ip", fieldRef: { fieldPath: "status.podIP" } }] } },
    "unsupported fieldPath status.podIP",
  ],
  [
    "a bundle of certificates",
    { projected: { sources: [{ clusterTrustBundle: { path: "t" } }] } },
    "clusterTrustBundle",
  ],
  ["a pod's certificate", { projected: { sources: [{ podCertificate: {} }] } }, "podCertificate"],
  ["a claim that is not bound", { persistentVolumeClaim: { claimName: "data" } }, "PVC is not bound"],
  ["huge pages", { emptyDir: { medium: "HugePages-2Mi" } }, "HugePages-2Mi"],
  ["a path that climbs out", { configMap: { name: "settings", items: [{ key: "a", path: "../a" }] } }, "no path below"],
  [
    "a path that climbs out on its way",
    { configMap: { name: "settings", items: [{ key: "a", path: "x/../../a" }] } },
    "no path below",
  ],
  ["an absolute path", { configMap: { name: "settings", items: [{ key: "a", path: "/a" }] } }, "no path below"],
  ["a kind that isn't supported", { nfs: { server: "x", path: "/" } }, "nfs"],
])("refuses %s", (_what, volume, message) => expect(() => files(volume)).toThrow(message));

it.each<[string, Omit<Volume, "name">, number | undefined, Record<string, number>]>([
  ["0644 where nothing is said", { configMap: { name: "settings" } }, undefined, { a: 0o644, b: 0o644, c: 0o644 }],
  ["the volume's default", { secret: { secretName: "login", defaultMode: 0o400 } }, undefined, { password: 0o400 }],
  [
    "the item's own before it",
    {
      configMap: {
        name: "settings",
        defaultMode: 0o400,
        items: [
          { key: "a", path: "a", mode: 0o755 },
          { key: "b", path: "b" },
        ],
      },
    },
    undefined,
    { a: 0o755, b: 0o400 },
  ],
  ["readable for an fsGroup", { secret: { secretName: "login", defaultMode: 0o400 } }, 2_000, { password: 0o440 }],
  [
    "readable for an fsGroup also where the item has its own",
    { secret: { secretName: "login", items: [{ key: "password", path: "p", mode: 0o400 }] } },
    2_000,
    { p: 0o440 },
  ],
  [
    "of a projected volume as of the others",
    {
      projected: {
        defaultMode: 0o600,
        sources: [
          { secret: { name: "login" } },
          { downwardAPI: { items: [{ path: "n", mode: 0o444, fieldRef: { fieldPath: "metadata.name" } }] } },
        ],
      },
    },
    undefined,
    { password: 0o600, n: 0o444 },
  ],
])("the permissions of a file are %s", (_what, volume, fsGroup, expected) =>
  expect(Object.fromEntries([...filesOf(volume, fsGroup)].map(([path, { mode }]) => [path, mode]))).toEqual(expected),
);

it("a place of the machine has the type that was asked for", () => {
  expect(planOf({ hostPath: { path: "/srv", type: "Directory" } })).toMatchObject({ path: "/srv", type: "Directory" });
});

it("mounts lead to directories and places of the machine, and a subPath to its own copy or directory", () => {
  const container = {
    name: "main",
    volumeMounts: [
      { name: "config", mountPath: "/etc/config" },
      { name: "config", mountPath: "/etc/one", subPath: "one" },
      { name: "config", mountPath: "/etc/dir", subPath: "dir" },
      { name: "config", mountPath: "/etc/none", subPath: "none" },
      { name: "data-dir", mountPath: "/data", subPathExpr: "$(POD)" },
      { name: "host", mountPath: "/host" },
    ],
  };
  const group = undefined;
  const file = { bytes: new Uint8Array(), mode: 0o644 };
  const content = new Map([
    ["one", file],
    ["dir/two", file],
  ]);
  const mounts = mountsOf(
    container,
    [
      { kind: "files", name: "config", group, files: content },
      { kind: "empty", name: "data-dir", group },
      { kind: "host", name: "host", group, path: "/srv", type: "" },
    ],
    { volume: (name) => `/volumes/${name}`, subPath: (name, of, index) => `/subpaths/${name}/${of}/${index}` },
    (path) => path.replace("$(POD)", "web-1"),
  );
  const shown = mounts.map(({ containerPath, hostPath, needs }) => [
    containerPath,
    hostPath,
    needs !== undefined && "copy" in needs ? [...needs.copy.keys()] : needs,
  ]);
  expect(shown).toEqual([
    ["/etc/config", "/volumes/config", undefined],
    ["/etc/one", "/subpaths/config/main/1", [""]],
    ["/etc/dir", "/subpaths/config/main/2", ["two"]],
    ["/etc/none", "/subpaths/config/main/3", []],
    ["/data", "/volumes/data-dir/web-1", { directory: "/volumes/data-dir", path: "web-1" }],
    ["/host", "/srv", undefined],
  ]);
  expect(mounts.map(({ readonly }) => readonly)).toEqual([true, true, true, true, false, false]);
  expect(volumeVariables(container, mounts)).toMatchObject({
    INKUBE_VOLUME_CONFIG: "/volumes/config",
    INKUBE_VOLUME_DATA_DIR: "/volumes/data-dir/web-1",
  });
});

it("what is taken and not done is told in words", () => {
  const pod = {
    spec: {
      containers: [
        {
          name: "main",
          volumeMounts: [
            { name: "cache", mountPath: "/c", readOnly: true, mountPropagation: "Bidirectional" as const },
            { name: "config", mountPath: "/d", readOnly: true },
          ],
          restartPolicyRules: [{ action: "RestartAllContainers" }],
        },
      ],
      volumes: [
        { name: "cache", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
        { name: "config", configMap: { name: "c" } },
      ],
    },
  };
  expect(noticesOf(pod)).toEqual([
    'volume "cache": medium Memory: it is a directory on disk here',
    'container "main": the mount of "cache" has no mountPropagation Bidirectional',
    'container "main": the action RestartAllContainers of restartPolicyRules is not supported',
  ]);
  expect(noticesOf({ spec: { containers: [{ name: "main" }] } })).toEqual([]);
});

it("what a started container has not mounted is told in words, and that it can be written to where it was asked not to be", () => {
  const container = {
    name: "main",
    volumeMounts: [
      { name: "cache", mountPath: "/c", readOnly: true },
      { name: "config", mountPath: "/d", readOnly: true },
      { name: "cache", mountPath: "/e" },
    ],
  };
  const volumes = [
    { name: "cache", emptyDir: {} },
    { name: "config", configMap: { name: "c" } },
  ];
  expect(mountNoticesOf(container, volumes, {})).toEqual([]);
  expect(mountNoticesOf(container, volumes, { "/c": "", "/d": "", "/e": "" })).toEqual([
    'container "main": the mount of "cache" can be written to: readOnly is not enforced',
  ]);
  expect(mountNoticesOf(container, volumes, { "/d": "there is no unshare(8)" })).toEqual([
    'container "main": "config" is not mounted at /d, but at $INKUBE_ROOT/d: there is no unshare(8)',
  ]);
});

it.each<[string, Omit<Volume, "name">, boolean]>([
  ["a ConfigMap", { configMap: { name: "settings" } }, true],
  ["a Secret", { secret: { secretName: "login" } }, true],
  ["the downward API", { downwardAPI: {} }, true],
  ["a projection of several", { projected: { sources: [] } }, true],
  ["an empty directory", { emptyDir: {} }, false],
  ["a place of the machine", { hostPath: { path: "/srv" } }, false],
])("whether the content of %s changes under its pod is known", (_what, volume, expected) =>
  expect(hasLiveVolumes({ spec: { containers: [], volumes: [{ name: "v", ...volume }] } })).toBe(expected),
);

const directory = { driver: "directory.inkube.io", volumeHandle: "pvc-1" };
it.each<[string, PersistentVolume["spec"], object]>([
  ["a directory of the cluster's", { csi: directory }, { kind: "kept", path: "/data/volumes/pvc-1" }],
  ["a directory to be read only", { csi: { ...directory, readOnly: true } }, { kind: "kept", readonly: true }],
  ["a path of the machine", { hostPath: { path: "/x", type: "File" } }, { kind: "host", path: "/x", type: "File" }],
  ["a local volume, which must be there", { local: { path: "/x" } }, { kind: "host", path: "/x", type: "Directory" }],
])("mounts a claim bound to %s", (_what, spec = {}, expected) => {
  expect(planOf({ persistentVolumeClaim: { claimName: "data" } }, 7, { spec })).toMatchObject({
    group: 7,
    ...expected,
  });
  const isReadonly = planOf({ persistentVolumeClaim: { claimName: "data", readOnly: true } }, 7, { spec }).readonly;
  expect(isReadonly).toBe(true);
});

it.each<[string, PersistentVolume["spec"], string]>([
  ["a handle that leads elsewhere", { csi: { ...directory, volumeHandle: "../x" } }, "csi is not supported here"],
  ["another driver", { csi: { driver: "ebs.csi.aws.com", volumeHandle: "1" } }, "csi is not supported here"],
  ["a volume of the network", { nfs: { server: "s", path: "/" } }, "a persistent volume's nfs is not supported here"],
  ["block devices", { csi: directory, volumeMode: "Block" }, "volumeMode Block is not supported here"],
])("refuses a claim bound to %s", (_what, spec = {}, message) => {
  expect(() => planOf({ persistentVolumeClaim: { claimName: "data" } }, undefined, { spec })).toThrow(message);
});

it("mounts no directory of another machine", () => {
  const [volume] = [{ name: "v", persistentVolumeClaim: { claimName: "data" } }];
  const pod = { spec: { containers: [], volumes: [volume] } };
  const facts = { pod, podIP: "", hostIP: "", nodeName: "", allocatable: { cpu: "1", memory: "1" } };
  const volumes = new Map([["v", { spec: { csi: directory } }]]);
  expect(() => planVolumes(facts, sources, { volumes, root: "" })).toThrow("on another machine");
});

it("mounts a directory of the cluster's where a container wants it, and parts of it", () => {
  const plan = planOf({ persistentVolumeClaim: { claimName: "data", readOnly: true } }, undefined, {
    spec: { csi: directory },
  });
  const volumeMounts = [
    { name: "v", mountPath: "/a" },
    { name: "v", mountPath: "/b", subPath: "sub" },
  ];
  const places = { volume: () => "never", subPath: () => "never" };
  expect(mountsOf({ name: "c", volumeMounts }, [plan], places, (path) => path)).toMatchObject([
    { containerPath: "/a", hostPath: "/data/volumes/pvc-1", readonly: true },
    { containerPath: "/b", hostPath: "/data/volumes/pvc-1/sub", readonly: true },
  ]);
});
