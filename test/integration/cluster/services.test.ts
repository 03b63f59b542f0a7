/** Traffic by a Service to what runs outside of the cluster: no selector, and Endpoints that somebody keeps by hand. */
import type { Server } from "node:http";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import type { Service } from "../../../protocols/kubernetes/types/core-v1.ts";
import { inkube } from "../../fixtures/built.ts";
import { until } from "../../fixtures/until.ts";

let cluster: Cluster;
let servers: readonly Server[];

function serve(text: string): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer((_request, response) => void response.end(text));
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

/** Over a connection of its own. */
function ask(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host, port, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => void (text += part));
      answer.on("end", () => resolve(text)).on("error", reject);
    });
    request.on("error", reject);
  });
}

const endpointsOf = (...outside: readonly Server[]): object => ({
  apiVersion: "v1",
  kind: "Endpoints",
  metadata: { name: "db" },
  subsets: outside.map((server) => ({
    addresses: [{ ip: "127.0.0.1" }],
    ports: [{ name: "sql", port: (server.address() as AddressInfo).port }],
  })),
});

beforeAll(async () => {
  servers = await Promise.all([serve("first"), serve("second")]);
  cluster = await inkube.Cluster.start({ masters: 1, workers: 1, pods: "simulated" });
});
afterAll(async () => {
  await cluster?.stop();
  for (const server of servers ?? []) server.close();
});

describe.runIf(process.platform === "linux")("a Service without a selector", () => {
  it("leads to the Endpoints that were made by hand, follows their changes, and ends with them", async () => {
    const [first, second] = servers as [Server, Server];
    const ports = [{ name: "sql", port: 5_432 }];
    await cluster.apply([
      { apiVersion: "v1", kind: "Service", metadata: { name: "db" }, spec: { ports } },
      endpointsOf(first),
    ]);
    const { spec } = await cluster.client.get<Service>(inkube.services, "db", "default");
    const answer = (): Promise<string> => ask(spec!.clusterIP!, 5_432);
    await until("the first server", async () => (await answer()) === "first");
    await cluster.apply(endpointsOf(first, second));
    const heard = new Set<string>();
    await until("both servers", async () => heard.add(await answer()).size === 2);
    await cluster.apply(endpointsOf(second));
    await until("the second server alone", async () => {
      // While both are known they answer in turn.
      const answers = [await answer(), await answer(), await answer(), await answer()];
      return answers.every((name) => name === "second");
    });
    await cluster.client.delete(inkube.endpoints, "db", "default");
    await until("nobody", () =>
      answer().then(
        () => false,
        () => true,
      ),
    );
  });
});
