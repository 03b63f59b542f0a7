import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { summaryIn } from "../../../../../actors/api-server/core/kinds/metrics/summary.ts";
import { kubeletStats } from "../../../../../actors/api-server/io/kubelet-stats.ts";

const cpu = { time: "2026-01-01T00:00:00Z", windowSeconds: 10, usageNanoCores: 5, usageCoreNanoSeconds: 50 };
const measured = { cpu, memory: { time: cpu.time, workingSetBytes: 7 } };
const podRef = { name: "web", namespace: "shop", uid: "1" };
const whole = {
  node: { nodeName: "worker-0", ...measured },
  pods: [{ podRef, containers: [{ name: "web", startTime: cpu.time, ...measured }], ...measured }],
};

describe("what a kubelet has measured", () => {
  it("is read", () => expect(summaryIn(JSON.stringify(whole))).toEqual(whole));

  it.each([
    "",
    "<html>",
    "null",
    "[]",
    "{}",
    "[".repeat(100_000),
    JSON.stringify({ ...whole, pods: {} }),
    JSON.stringify({ ...whole, pods: [null] }),
    JSON.stringify({ ...whole, pods: [{ ...whole.pods[0], podRef: null }] }),
    JSON.stringify({ ...whole, pods: [{ ...whole.pods[0], containers: [{}] }] }),
    JSON.stringify({ ...whole, node: { ...measured, cpu: { ...cpu, usageNanoCores: "5" } } }),
    JSON.stringify({ ...whole, node: { ...measured, cpu: { ...cpu, windowSeconds: -1 } } }),
    JSON.stringify(whole).replace('"workingSetBytes":7', '"workingSetBytes":1e308'),
  ])("is not %.60s", (text) => expect(summaryIn(text)).toBeUndefined());
});

describe("asking a kubelet", () => {
  it.each([
    "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnope",
    "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
  ])("ends in an error when something else listens there, which says %j", async (said) => {
    const server = createServer(({ socket }) => void socket.end(said));
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.address() as AddressInfo;
    const status = {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    };
    await expect(kubeletStats({ status }, { kubeletToken: "token" }, 5_000)).rejects.toMatchObject({
      code: "CONNECTION_FAILED",
    });
    await new Promise((resolve) => server.close(resolve));
  });
});
