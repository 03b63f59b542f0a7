/** A conversion webhook on real threads, over HTTPS: reached by its URL, and through a Service of the cluster. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { ANSWERS } from "../../conformance/conversion-case.mjs";
import { inkube } from "../../fixtures/built.ts";
import { until } from "../../fixtures/until.ts";
import type { Webhook } from "../../fixtures/webhook.ts";
import { startWebhook } from "../../fixtures/webhook.ts";

let cluster: Cluster;
let webhook: Webhook;

beforeAll(async () => {
  webhook = await startWebhook((review) => ANSWERS["as it should"]?.(review) ?? {}, ["127.0.0.1", "hook.default.svc"]);
  cluster = await inkube.Cluster.start({ masters: 1, workers: 1, pods: "simulated" });
});
afterAll(async () => {
  await cluster?.stop();
  await webhook?.stop();
});

const resourceOf = (
  plural: string,
  version: string,
): { group: string; version: string; resource: string; kind: string; namespaced: boolean } => ({
  group: "stable.dev",
  version,
  resource: plural,
  kind: kindOf(plural),
  namespaced: true,
});

function kindOf(plural: string): string {
  return plural.charAt(0).toUpperCase() + plural.slice(1, -1);
}

function definition(plural: string, clientConfig: object): object {
  const text = { type: "string" };
  const version = (name: string, storage: boolean, properties: object): object => ({
    name,
    served: true,
    storage,
    schema: { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties } } } },
  });
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.stable.dev` },
    spec: {
      group: "stable.dev",
      scope: "Namespaced",
      names: { plural, kind: kindOf(plural) },
      versions: [version("v1", true, { hostPort: text }), version("v2", false, { host: text, port: text })],
      conversion: { strategy: "Webhook", webhook: { conversionReviewVersions: ["v1"], clientConfig } },
    },
  };
}

function object(plural: string, name: string): object {
  return { apiVersion: "stable.dev/v1", kind: kindOf(plural), metadata: { name }, spec: { hostPort: "h:1" } };
}

const read = (plural: string, version: string): Promise<KubernetesObject> =>
  cluster.client.get(resourceOf(plural, version), "a", "default");

describe("a conversion webhook", () => {
  it("is called by its URL", async () => {
    const { url, bundle: caBundle } = webhook;
    await cluster.apply([definition("things", { url, caBundle }), object("things", "a")]);
    expect(await read("things", "v2")).toMatchObject({ apiVersion: "stable.dev/v2", spec: { host: "h", port: "1" } });
    await cluster.apply({
      apiVersion: "stable.dev/v2",
      kind: "Thing",
      metadata: { name: "a" },
      spec: { host: "g", port: "2" },
    });
    expect(await read("things", "v1")).toMatchObject({ spec: { hostPort: "g:2" } });
    expect(await read("things", "v2")).toMatchObject({ spec: { host: "g", port: "2" } });
  });

  it("is refused when its certificate is not signed by who is in the bundle", async () => {
    const { url } = webhook;
    await cluster.apply([definition("others", { url }), object("others", "a")]);
    await expect(read("others", "v2")).rejects.toThrow(
      "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    );
    expect(await read("others", "v1")).toMatchObject({ spec: { hostPort: "h:1" } });
  });

  it.runIf(process.platform === "linux")("is called through a Service, under its name", async () => {
    const service = { namespace: "default", name: "hook", path: "/convert" };
    await cluster.apply([
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "hook" },
        spec: { ports: [{ name: "https", port: 443 }] },
      },
      {
        apiVersion: "v1",
        kind: "Endpoints",
        metadata: { name: "hook" },
        subsets: [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ name: "https", port: webhook.port }] }],
      },
      definition("hookeds", { service, caBundle: webhook.bundle }),
      object("hookeds", "a"),
    ]);
    const before = webhook.asked.length;
    // kube-proxy serves the Service a moment after it was made.
    await until("kube-proxy serves the webhook", () =>
      read("hookeds", "v2").then(
        () => true,
        () => false,
      ),
    );
    expect(webhook.asked.slice(before)).toMatchObject([
      { serverName: "hook.default.svc", path: "/convert?timeout=10s" },
    ]);
  });

  it("that has gone costs only those who need it", async () => {
    await cluster.apply([definition("lonelies", { url: "https://127.0.0.1:1/convert" }), object("lonelies", "a")]);
    await expect(read("lonelies", "v2")).rejects.toThrow(
      'conversion webhook for stable.dev/v1, Kind=Lonelie failed: Post "https://127.0.0.1:1/convert?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused',
    );
    expect(await read("lonelies", "v1")).toMatchObject({ spec: { hostPort: "h:1" } });
  });
});
