import { describe, expect, it } from "vitest";
import { namesAt } from "../../../../runtime/faults/plan.ts";

const NAMES = ["etcd-0", "etcd-1", "worker-0/kubelet", "worker-1/kubelet", "worker-1/kube-proxy", "a.b"];

describe("a place", () => {
  it.each([
    ["etcd-1", ["etcd-1"]],
    ["etcd-*", ["etcd-0", "etcd-1"]],
    ["worker-1/*", ["worker-1/kubelet", "worker-1/kube-proxy"]],
    ["*/kubelet", ["worker-0/kubelet", "worker-1/kubelet"]],
    ["*", ["etcd-0", "etcd-1", "a.b"]],
    ["**", NAMES],
    ["a?b", []],
    ["a.b", ["a.b"]],
    ["etcd", []],
  ])("%s stands for %j", (place, names) => {
    expect(namesAt(place, NAMES)).toEqual(names);
  });
});
