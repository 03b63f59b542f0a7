import fc from "fast-check";
import { expect, it } from "vitest";
import { charge, isCharged } from "../../../../../actors/api-server/core/quota/charge.ts";
import { statusOf } from "../../../../../protocols/api-server.ts";
import type { Pod, ResourceQuota } from "../../../../../protocols/kubernetes/types/core-v1.ts";

const of = { group: "", resource: "pods" };
const nowMs = Date.parse("2026-01-01T00:00:00Z");

function quota(hard: Readonly<Record<string, string>>, used?: Readonly<Record<string, string>>): ResourceQuota {
  const status = used === undefined ? {} : { status: { hard, used } };
  return { metadata: { name: "q", namespace: "n" }, spec: { hard }, ...status };
}

function pod(cpu: string, more: Partial<Pod> = {}): Pod {
  const spec = { containers: [{ name: "c", resources: { requests: { cpu } } }], ...more.spec };
  return { metadata: { name: "p", namespace: "n" }, ...more, spec };
}

function told(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return statusOf(error)?.message;
  }
}

it("adds what is made to what is used, to the last bit", () => {
  const full = quota({ pods: "2", cpu: "1" }, { pods: "1", cpu: "500m" });
  const charged = charge(full, { of, object: pod("500m"), old: undefined, nowMs });
  expect(charged?.status?.used).toEqual({ pods: "2", cpu: "1" });
  expect(told(() => charge(charged ?? {}, { of, object: pod("1m"), old: undefined, nowMs }))).toBe(
    'pods "p" is forbidden: exceeded quota: q, requested: cpu=1m,pods=1, used: cpu=1,pods=2, limited: cpu=1,pods=2',
  );
});

it("takes nothing while nobody has counted", () => {
  expect(told(() => charge(quota({ pods: "2" }), { of, object: pod("1"), old: undefined, nowMs }))).toBe(
    'pods "p" is forbidden: status unknown for quota: q, resources: pods',
  );
});

it("charges a change by the difference, and what comes into a scope by the whole", () => {
  const claims = { group: "", resource: "persistentvolumeclaims" };
  const claim = (storage: string): object => ({ spec: { resources: { requests: { storage } } } });
  const storage = quota({ "requests.storage": "10Gi" }, { "requests.storage": "4Gi" });
  const grown = charge(storage, { of: claims, object: claim("3Gi"), old: claim("1Gi"), nowMs });
  expect(grown?.status?.used).toEqual({ "requests.storage": "6Gi" });
  expect(charge(storage, { of: claims, object: claim("1Gi"), old: claim("1Gi"), nowMs })).toBeUndefined();
  const ending: ResourceQuota = {
    ...quota({ pods: "1" }, { pods: "0" }),
    spec: { hard: { pods: "1" }, scopes: ["Terminating"] },
  };
  const late = pod("1", { spec: { containers: [{ name: "c" }], activeDeadlineSeconds: 5 } });
  expect(charge(ending, { of, object: late, old: pod("1"), nowMs })?.status?.used).toEqual({ pods: "1" });
  expect(charge(ending, { of, object: pod("1"), old: undefined, nowMs })).toBeUndefined();
});

it("has a say in what is made, and in changes of what counts for more than itself", () => {
  expect(isCharged({ group: "apps", resource: "deployments" }, true, undefined)).toBe(true);
  expect(isCharged({ group: "apps", resource: "deployments" }, false, undefined)).toBe(false);
  expect(isCharged(of, false, "resize")).toBe(true);
  expect(isCharged(of, false, "status")).toBe(false);
  expect(isCharged(of, true, "binding")).toBe(false);
});

it("never lets more be used than the quota has, whatever is made in whatever order", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 12 }), (sizes) => {
      let now = quota({ pods: "6", cpu: "8" }, { pods: "0", cpu: "0" });
      let [pods, cpu] = [0, 0];
      for (const size of sizes) {
        const wish = { of, object: pod(String(size)), old: undefined, nowMs };
        const fits = pods + 1 <= 6 && cpu + size <= 8;
        expect(told(() => charge(now, wish)) === undefined).toBe(fits);
        if (!fits) continue;
        now = charge(now, wish) ?? now;
        [pods, cpu] = [pods + 1, cpu + size];
      }
      expect(now.status?.used).toEqual({ pods: String(pods), cpu: String(cpu) });
    }),
  );
});
