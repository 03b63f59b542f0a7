/** A user's own kinds on real threads: through the embedding API, the command line, kubectl and the official JavaScript client. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CustomObjectsApi, KubeConfig, makeInformer } from "@kubernetes/client-node";
import type { KubernetesListObject, KubernetesObject } from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Cluster } from "../../actors/cluster/cluster.ts";
import { inkube } from "../fixtures/built.ts";
import { Kubectl } from "../fixtures/kubectl.ts";
import { Program } from "../fixtures/program.ts";
import { until } from "../fixtures/until.ts";

let cluster: Cluster;
let kubectl: Kubectl;

beforeAll(async () => {
  cluster = await inkube.Cluster.start({ masters: 3, workers: 1 });
  kubectl = new Kubectl(cluster.kubeconfig);
});
afterAll(async () => {
  kubectl?.close();
  await cluster?.stop();
});

function manifestOf(kind: string, plural: string): string {
  return `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ${plural}.shop.example.com}
spec:
  group: shop.example.com
  scope: Namespaced
  names: {plural: ${plural}, kind: ${kind}, shortNames: [${plural.slice(0, 2)}], categories: [all]}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          required: [spec]
          properties:
            spec: {type: object, required: [size], properties: {size: {type: integer, minimum: 1}}}
            status: {type: object, properties: {phase: {type: string}}}
      subresources: {status: {}}
      additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size}]
`;
}

function objectOf(kind: string, name: string, size: number): string {
  return `apiVersion: shop.example.com/v1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: {size: ${size}}\n`;
}

it("a definition and its objects are applied by one call of the embedding API", async () => {
  const applied = await cluster.apply(`${manifestOf("Widget", "widgets")}\n---\n${objectOf("Widget", "one", 1)}`);
  expect(applied.map(({ kind }) => kind)).toEqual(["CustomResourceDefinition", "Widget"]);
  await cluster.apply(objectOf("Widget", "one", 2));
  const size = (object: object): unknown => (object as { spec: { size: number } }).spec.size;
  expect(await cluster.waitFor("widget/one", (object) => size(object) === 2)).toMatchObject({ kind: "Widget" });
  await expect(cluster.apply(objectOf("Widget", "two", 0))).rejects.toThrow(/spec.size: Invalid value: 0/);
  await expect(cluster.apply(objectOf("Gizmo", "one", 1))).rejects.toMatchObject({ code: "UNKNOWN_KIND" });
});

it("kubectl applies a definition, waits for it, and has its objects by every name", async () => {
  await kubectl.run("apply -f -", manifestOf("Gadget", "gadgets"));
  await kubectl.run("wait --for=condition=Established --timeout=20s crd/gadgets.shop.example.com");
  expect(await kubectl.run("apply -f -", objectOf("Gadget", "one", 3))).toContain(
    "gadget.shop.example.com/one created",
  );
  expect(await kubectl.run("apply -f -", objectOf("Gadget", "one", 4))).toContain("configured");
  expect(await kubectl.run("get ga")).toMatch(/NAME\s+SIZE\none\s+4\n/);
  expect(await kubectl.run("get all")).toContain("gadget.shop.example.com/one");
  expect((await kubectl.try("apply -f -", objectOf("Gadget", "bad", 0))).stderr).toContain("spec.size");
  await kubectl.run("delete gadget one");
  expect(await kubectl.run("get gadgets -o name")).toBe("");
});

it("the command line applies, shows and deletes them", async () => {
  const directory = kubectl.directory;
  writeFileSync(join(directory, "both.yaml"), `${manifestOf("Cart", "carts")}\n---\n${objectOf("Cart", "one", 5)}`);
  const run = async (args: string): Promise<string> => {
    const program = Program.inkube([...args.split(" "), "--kubeconfig", join(directory, "kubeconfig")], directory);
    expect(`${String(await program.exited)} ${program.stderr}`).toBe("0 ");
    return program.stdout;
  };
  expect(await run("apply -f both.yaml")).toContain("cart.shop.example.com/one created");
  expect(await run("apply -f both.yaml")).toContain("cart.shop.example.com/one unchanged");
  expect(await run("get carts")).toMatch(/NAME\s+SIZE\s*\none\s+5/);
  expect(await run("get all")).toContain("cart.shop.example.com/one");
  expect(await run("delete carts one")).toContain("cart.shop.example.com/one deleted");
  expect(await run("delete crd carts.shop.example.com")).toContain("deleted");
});

it("an informer of the JavaScript client lives through the death of every API server in turn", async () => {
  await cluster.apply(manifestOf("Box", "boxes"));
  const config = new KubeConfig();
  config.loadFromString(cluster.kubeconfig);
  const api = config.makeApiClient(CustomObjectsApi);
  const place = { group: "shop.example.com", version: "v1", namespace: "default", plural: "boxes" };
  const names = new Set<string>();
  const list = async (): Promise<KubernetesListObject<KubernetesObject>> =>
    (await api.listNamespacedCustomObject(place)) as KubernetesListObject<KubernetesObject>;
  const informer = makeInformer(config, "/apis/shop.example.com/v1/namespaces/default/boxes", list);
  informer.on("add", ({ metadata }) => void names.add(metadata?.name ?? ""));
  // A connection that broke is the informer's to report and its owner's to start again.
  informer.on("error", () => void until("it goes on", () => informer.start().then(() => true)));
  await informer.start();
  for (let index = 0; index < 3; index++) {
    await cluster.kill(`api-server-${index}`);
    const name = `after-${index}`;
    const body = { apiVersion: "shop.example.com/v1", kind: "Box", metadata: { name }, spec: { size: 1 } };
    await until("it is created", () =>
      api.createNamespacedCustomObject({ ...place, body }).then(
        () => true,
        (error: { readonly code?: number }) => error.code === 409,
      ),
    );
    await until(`${name} is seen`, () => names.has(name));
    await until("all are up", () => cluster.actors().every(({ state }) => state === "up"));
  }
  await informer.stop();
});
