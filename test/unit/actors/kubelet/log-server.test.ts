/** Who is let into the kubelet's port, and that nothing that comes there ends it. */
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kubeletToken } from "../../../../actors/api-server/io/kubelet-token.ts";
import { serveLogs } from "../../../../actors/kubelet/io/log-server.ts";
import type { LogServer } from "../../../../actors/kubelet/kubelet-io.ts";

let kubelets: readonly LogServer[];
beforeAll(async () => {
  const open = (): Promise<LogServer> =>
    serveLogs("127.0.0.1", { token: "of the cluster" }, () => () => undefined, {
      stats: () => Promise.reject(new Error("no stats")),
      metrics: () => Promise.resolve([]),
      reach: () => Promise.reject(new Error("no streams")),
    });
  kubelets = [await open(), await open()];
});
afterAll(() => Promise.all(kubelets.map((each) => each.close())));

function ask(kubelet: LogServer, path: string, token: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const outgoing = httpRequest({ host: "127.0.0.1", port: kubelet.port, path, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    outgoing.on("error", reject).end();
  });
}

describe("the kubelet's port", () => {
  it("lets in who shows the token of its own address, and neither that of another kubelet nor that of the cluster", async () => {
    const [one, other] = kubelets as [LogServer, LogServer];
    expect(await ask(one, "/healthz", kubeletToken("of the cluster", one))).toBe(200);
    expect(await ask(one, "/healthz", kubeletToken("of the cluster", other))).toBe(401);
    expect(await ask(one, "/healthz", kubeletToken("another", one))).toBe(401);
    expect(await ask(one, "/healthz", "of the cluster")).toBe(401);
  });

  it.each(["//", "/containerLogs/default/a/%zz", "/%", "/containerLogs/%E0%A4/a/b", "http://[", "*"])(
    "answers what is no path, and goes on: %s",
    async (path) => {
      const [kubelet] = kubelets as [LogServer];
      const token = kubeletToken("of the cluster", kubelet);
      expect([400, 404]).toContain(await ask(kubelet, path, token));
      expect(await ask(kubelet, "/healthz", token)).toBe(200);
    },
  );
});
