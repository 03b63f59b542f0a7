import { expect, it } from "vitest";
import { persistentVolumeClaims, persistentVolumes, pods } from "../../../actors/client/resources.ts";
import { isClaimUsed } from "../../../actors/controller-manager/core/storage-use.ts";
import type { PersistentVolumeClaim, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { ControlPlane } from "./control-plane.ts";

const claim: PersistentVolumeClaim = {
  metadata: { name: "data", namespace: "default" },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
};

function user(nodeName: string): Pod {
  return {
    metadata: { name: "user", namespace: "default" },
    spec: {
      nodeName,
      containers: [{ name: "a", image: "nginx:1" }],
      volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data" } }],
    },
  };
}

it("keeps a claim that a pod uses until the pod is gone", async () => {
  const plane = new ControlPlane({ seed: 1, workers: 1 });
  await plane.start();
  await plane.do((client) => client.create(persistentVolumeClaims, claim));
  await plane.do((client) => client.create(pods, user("worker-0")));
  await plane.do((client) => client.delete(persistentVolumeClaims, "data", "default"));
  await plane.host.run(2_000);
  expect(await plane.do((client) => client.find(persistentVolumeClaims, "data", "default"))).toBeDefined();
  await plane.do((client) => client.delete(pods, "user", "default", { gracePeriodSeconds: 0 }));
  const isGone = async (): Promise<boolean> =>
    (await plane.client.find(persistentVolumeClaims, "data", "default")) === undefined;
  await plane.until("the claim gone", isGone);
});

it("lets go at once of a claim and a volume that nobody uses, and of a bound volume when it is released", async () => {
  const plane = new ControlPlane({ seed: 2, workers: 0 });
  await plane.start();
  const volume = (name: string): object => ({
    metadata: { name },
    spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/data" } },
  });
  const isGone = async (name: string): Promise<boolean> =>
    (await plane.client.find(persistentVolumes, name)) === undefined;
  await plane.do((client) => client.create(persistentVolumes, volume("bound")));
  await plane.do((client) => client.create(persistentVolumeClaims, claim));
  await plane.until("the claim bound", async () => {
    const { status } = await plane.client.get(persistentVolumeClaims, "data", "default");
    return status?.phase === "Bound";
  });
  await plane.do((client) => client.create(persistentVolumes, volume("free")));
  for (const name of ["free", "bound"]) await plane.do((client) => client.delete(persistentVolumes, name));
  await plane.until("what is free gone", () => isGone("free"));
  await plane.host.run(2_000);
  expect(await plane.do(() => isGone("bound"))).toBe(false);
  await plane.do((client) => client.delete(persistentVolumeClaims, "data", "default"));
  await plane.until("the volume gone", () => isGone("bound"));
});

it("counts a pod that has a node, and the claims that its own volumes stand for", () => {
  expect(isClaimUsed("data", [user("worker-0")])).toBe(true);
  expect(isClaimUsed("data", [user("")])).toBe(false);
  const own: Pod = {
    ...user("worker-0"),
    spec: { ...user("worker-0").spec!, volumes: [{ name: "v", ephemeral: {} }] },
  };
  expect(isClaimUsed("user-v", [own])).toBe(true);
});
