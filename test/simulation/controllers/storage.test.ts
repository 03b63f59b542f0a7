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
  await plane.do((client) => client.create(persistentVolumeClaims, claim));
  const volume = (name: string): object => ({
    metadata: { name },
    spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/data" } },
  });
  for (const name of ["free", "bound"]) await plane.do((client) => client.create(persistentVolumes, volume(name)));
  const phase = (to: string): Promise<unknown> =>
    plane.do((client) =>
      client.patch(persistentVolumes, "bound", undefined, { status: { phase: to } }, { subresource: "status" }),
    );
  await phase("Bound");
  await plane.do((client) => client.delete(persistentVolumeClaims, "data", "default"));
  for (const name of ["free", "bound"]) await plane.do((client) => client.delete(persistentVolumes, name));
  await plane.until("what is free gone", async () => {
    const claims = await plane.client.list(persistentVolumeClaims, { namespace: "default" });
    return claims.items.length === 0 && (await plane.client.find(persistentVolumes, "free")) === undefined;
  });
  expect(await plane.do((client) => client.find(persistentVolumes, "bound"))).toBeDefined();
  await phase("Released");
  await plane.until("the volume gone", async () => (await plane.client.find(persistentVolumes, "bound")) === undefined);
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
