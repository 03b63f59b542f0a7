import { expect, it } from "vitest";
import type { Resource } from "../../../actors/client/resources.ts";
import {
  configMaps,
  deployments,
  endpoints,
  endpointSlices,
  namespaces,
  pods,
  secrets,
  serviceAccounts,
  services,
} from "../../../actors/client/resources.ts";
import type { Secret } from "../../../protocols/kubernetes/types/core-v1.ts";
import { ControlPlane } from "./control-plane.ts";
import { isSettled, podsOf, web, webService } from "./objects.ts";

async function readyAddresses(plane: ControlPlane): Promise<number> {
  const { items } = await plane.client.list(endpointSlices, {
    namespace: "default",
    labelSelector: "kubernetes.io/service-name=web",
  });
  return items.flatMap((slice) => slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready === true).length;
}

it("keeps the endpoints of a Service in step with its pods", async () => {
  const plane = new ControlPlane({ seed: 1, workers: 2 });
  await plane.start();
  await plane.do((client) => client.create(services, webService()));
  await plane.do((client) => client.create(deployments, web(4)));
  await plane.until("4 endpoints", async () => (await readyAddresses(plane)) === 4);
  const [pod] = await plane.do(podsOf);
  const { name = "" } = pod?.metadata ?? {};
  const moved = { metadata: { annotations: { "inkube.dev/ports": '{"8080":41233}' } } };
  await plane.do((client) => client.patch(pods, name, "default", moved));
  await plane.until("a slice of its own for the moved port", async () => {
    const { items } = await plane.client.list(endpointSlices, { namespace: "default" });
    return items.some(({ ports, endpoints: of }) => ports?.[0]?.port === 41_233 && of?.[0]?.targetRef?.name === name);
  });
  await plane.until("a subset of its own in Endpoints", async () => {
    const { subsets = [] } = await plane.client.get(endpoints, "web", "default");
    const sizes = subsets.map(({ ports, addresses }) => `${ports?.[0]?.port}:${addresses?.length}`);
    return sizes.join() === "41233:1,8080:3";
  });
  await plane.do((client) => client.delete(services, "web", "default"));
  await plane.until("no slices and no Endpoints", async () => {
    const slices = await plane.client.list(endpointSlices, { namespace: "default" });
    return slices.items.length === 0 && (await plane.client.find(endpoints, "web", "default")) === undefined;
  });
});

it("gives a Secret for a token its account's token, the CA and its namespace, and takes it away with the account", async () => {
  const plane = new ControlPlane({ seed: 3, workers: 0, controllerManager: { rootCa: "PEM" } });
  await plane.start();
  const secretOf = (name: string, account: string): Secret => ({
    metadata: { name, namespace: "default", annotations: { "kubernetes.io/service-account.name": account } },
    type: "kubernetes.io/service-account-token",
  });
  const find = (name: string): Promise<Secret | undefined> => plane.client.find(secrets, name, "default");
  await plane.do((client) => client.create(secrets, secretOf("of-nobody", "nobody")));
  await plane.until("that of no account gone", async () => (await find("of-nobody")) === undefined);
  const account = await plane.do((client) =>
    client.create(serviceAccounts, {
      metadata: { name: "robot", namespace: "default" },
      secrets: [{ name: "robot-token" }],
    }),
  );
  await plane.do((client) => client.create(secrets, secretOf("robot-token", "robot")));
  await plane.do((client) => client.create(secrets, { ...secretOf("opaque", "robot"), type: "Opaque" }));
  await plane.until("the token", async () => (await find("robot-token"))?.data?.["token"] !== undefined);
  const filled = await plane.do(() => find("robot-token"));
  expect(filled?.metadata?.annotations?.["kubernetes.io/service-account.uid"]).toBe(account.metadata?.uid);
  expect([atob(filled?.data?.["ca.crt"] ?? ""), atob(filled?.data?.["namespace"] ?? "")]).toEqual(["PEM", "default"]);
  const opaque = await plane.do(() => find("opaque"));
  expect(opaque?.metadata?.uid).toBeDefined();
  await plane.do((client) =>
    client.patch(secrets, "robot-token", "default", { data: { "ca.crt": btoa("another") } }, {}),
  );
  await plane.until("the cluster's CA again", async () => {
    const found = await find("robot-token");
    return found?.data?.["ca.crt"] === btoa("PEM") && found.data["token"] === filled?.data?.["token"];
  });
  const ofAnother = secretOf("of-another", "robot");
  const annotations = { ...ofAnother.metadata?.annotations, "kubernetes.io/service-account.uid": "of-another" };
  await plane.do((client) =>
    client.create(secrets, { ...ofAnother, metadata: { ...ofAnother.metadata, annotations } }),
  );
  await plane.until("that of another account of this name gone", async () => (await find("of-another")) === undefined);
  const [, claims = ""] = atob(filled?.data?.["token"] ?? "").split(".");
  const said = JSON.parse(Buffer.from(claims, "base64url").toString()) as Record<string, object>;
  expect(said).toMatchObject({ sub: "system:serviceaccount:default:robot" });
  expect(said["kubernetes.io"]).toMatchObject({ secret: { name: "robot-token", uid: filled?.metadata?.uid } });
  await plane.do((client) => client.delete(secrets, "robot-token", "default"));
  await plane.until("the reference gone", async () => {
    const found = await plane.client.find(serviceAccounts, "robot", "default");
    return found?.secrets?.length === 0 || found?.secrets === undefined;
  });
  await plane.do((client) => client.create(secrets, secretOf("another", "robot")));
  await plane.until("another token", async () => (await find("another"))?.data?.["token"] !== undefined);
  await plane.do((client) => client.delete(serviceAccounts, "robot", "default"));
  await plane.until("its Secret gone", async () => (await find("another")) === undefined);
  expect(await plane.do(() => find("opaque"))).toEqual(opaque);
});

it("gives each namespace its account and the CA, and empties it before it goes", async () => {
  const plane = new ControlPlane({ seed: 2, workers: 1, controllerManager: { rootCa: "PEM" } });
  await plane.start();
  await plane.do((client) => client.create(namespaces, { metadata: { name: "shop" } }));
  await plane.until(
    "its account",
    async () => (await plane.client.find(serviceAccounts, "default", "shop")) !== undefined,
  );
  await plane.until("its CA", async () => {
    const found = await plane.client.find(configMaps, "kube-root-ca.crt", "shop");
    return found?.data?.["ca.crt"] === "PEM";
  });
  await plane.do((client) => client.delete(configMaps, "kube-root-ca.crt", "shop"));
  await plane.until(
    "the CA again",
    async () => (await plane.client.find(configMaps, "kube-root-ca.crt", "shop")) !== undefined,
  );
  await plane.do((client) => client.create(services, webService("shop")));
  await plane.do((client) => client.create(deployments, web(3, "shop")));
  await plane.until("3 replicas", () => isSettled(plane.client, 3, "shop"));
  const INGRESS = {
    metadata: { name: "web", namespace: "shop" },
    spec: { defaultBackend: { service: { name: "web", port: { number: 80 } } } },
  };
  const ingresses: Resource = {
    group: "networking.k8s.io",
    version: "v1",
    resource: "ingresses",
    kind: "Ingress",
    namespaced: true,
  };
  await plane.do((client) => client.create(ingresses, INGRESS));
  await plane.do((client) => client.delete(namespaces, "shop"));
  await plane.until("the namespace gone", async () => (await plane.client.find(namespaces, "shop")) === undefined);
  expect((await plane.do((client) => client.list(pods))).items).toEqual([]);
  expect((await plane.do((client) => client.list(ingresses))).items).toEqual([]);
});

it("mirrors Endpoints that were made by hand for a Service without a selector, and takes the mirror away with them", async () => {
  const plane = new ControlPlane({ seed: 5, workers: 0 });
  await plane.start();
  const metadata = { name: "db", namespace: "default" };
  const port = { name: "sql", port: 5_432 };
  const subsets = [{ addresses: [{ ip: "127.9.9.9" }], ports: [port] }];
  await plane.do((client) => client.create(services, { metadata, spec: { ports: [port] } }));
  await plane.do((client) => client.create(endpoints, { metadata, subsets }));
  const mirrored = async () =>
    (
      await plane.client.list(endpointSlices, {
        namespace: "default",
        labelSelector: "endpointslice.kubernetes.io/managed-by=endpointslicemirroring-controller.k8s.io",
      })
    ).items.map(({ ports = [], endpoints: of }) => [ports[0]?.port, of?.map(({ addresses }) => addresses[0]).join()]);
  const until = (what: string, expected: unknown) =>
    plane.until(what, async () => JSON.stringify(await mirrored()) === JSON.stringify(expected));
  await until("a mirror", [[5_432, "127.9.9.9"]]);
  const both = [{ addresses: [{ ip: "127.9.9.9" }, { ip: "127.9.9.10" }], ports: [port] }];
  await plane.do((client) => client.patch(endpoints, "db", "default", { subsets: both }));
  await until("a second address", [[5_432, "127.9.9.9,127.9.9.10"]]);
  await plane.do((client) => client.patch(services, "db", "default", { spec: { selector: { app: "db" } } }));
  await until("no mirror of a Service with a selector", []);
  expect(plane.host.crashes).toEqual([]);
});
