import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { addressOfService } from "../../../../../actors/api-server/core/webhooks/service-address.ts";

const reference = { namespace: "shop", name: "hook", port: 443 };

function service(spec: object, annotations: Record<string, string> = {}): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "hook", namespace: "shop", annotations },
    spec,
  } as KubernetesObject;
}

function resolved(found: KubernetesObject | undefined): unknown {
  return addressOfService(reference, (prefix, key) =>
    prefix === "/registry/services/specs" && key === "shop/hook" ? found : undefined,
  );
}

const ports = [{ port: 443 }];

describe("addressOfService", () => {
  it.each<[string, KubernetesObject | undefined, unknown]>([
    ["the cluster IP", service({ clusterIP: "127.96.0.9", ports }), { host: "127.96.0.9", port: 443 }],
    [
      "that of a NodePort",
      service({ type: "NodePort", clusterIP: "127.96.0.9", ports }),
      { host: "127.96.0.9", port: 443 },
    ],
    [
      "the external name",
      service({ type: "ExternalName", externalName: "hook.example" }),
      { host: "hook.example", port: 443 },
    ],
    ["none without the Service", undefined, 'service "hook" not found'],
    ["none of a headless one", service({ clusterIP: "None", ports }), 'cannot route to service with ClusterIP "None"'],
    [
      "none of another port",
      service({ clusterIP: "127.96.0.9", ports: [{ port: 80 }] }),
      'no service port 443 found for service "hook"',
    ],
    [
      "where kube-proxy serves it instead",
      service({ clusterIP: "127.96.0.9", ports }, { "inkube.dev/address": '{"443":"127.0.0.1:45123"}' }),
      { host: "127.0.0.1", port: 45_123 },
    ],
    [
      "the cluster IP when what is written there can't be read",
      service({ clusterIP: "127.96.0.9", ports }, { "inkube.dev/address": '{"443":"nonsense"}' }),
      { host: "127.96.0.9", port: 443 },
    ],
  ])("finds %s", (_what, found, expected) => {
    expect(resolved(found)).toEqual(expected);
  });
});
