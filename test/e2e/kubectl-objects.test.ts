/** `kubectl` on single objects: creating, changing, watching, explaining, and what it is told about bad input. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../actors/cluster/cluster.ts";
import { inkube } from "../fixtures/built.ts";
import { Kubectl } from "../fixtures/kubectl.ts";
import { until } from "../fixtures/until.ts";

let cluster: Cluster;
let kubectl: Kubectl;

beforeAll(async () => {
  cluster = await inkube.Cluster.start({ masters: 1, workers: 1, pods: "simulated" });
  kubectl = new Kubectl(cluster.kubeconfig);
});
afterAll(async () => {
  kubectl?.close();
  await cluster?.stop();
});

describe("kubectl about the cluster", () => {
  it("tells where it is and which version it has", async () => {
    expect(await kubectl.run("cluster-info")).toContain(`Kubernetes control plane`);
    expect(await kubectl.run("version")).toMatch(/Server Version: v1\.37/);
    expect(await kubectl.run("get --raw /readyz")).toBe("ok");
  });

  it("lists the resources, with their short names", async () => {
    const resources = await kubectl.run("api-resources");
    expect(resources).toMatch(/^pods +po +v1 +true +Pod$/m);
    expect(resources).toMatch(/^deployments +deploy +apps\/v1 +true +Deployment$/m);
    expect(await kubectl.run("api-versions")).toContain("apps/v1");
  });

  it("explains fields from the OpenAPI documents", async () => {
    expect(await kubectl.run("explain pod.spec.containers.livenessProbe")).toContain("initialDelaySeconds");
    expect(await kubectl.run("explain deployment.spec.strategy")).toMatch(/FIELD[S]?:/);
  });
});

describe("kubectl on objects", () => {
  it("creates from the command line, with bodies in protobuf", async () => {
    await kubectl.run("create namespace demo");
    await kubectl.run("create configmap settings -n demo --from-literal color=green");
    await kubectl.run("create secret generic login -n demo --from-literal password=hunter2");
    await kubectl.run("create serviceaccount robot -n demo");
    await kubectl.run("create deployment web -n demo --image nginx --replicas 2 --port 80");
    await kubectl.run("expose deployment web -n demo --port 80");
    expect(await kubectl.run("get configmap settings -n demo -o jsonpath={.data.color}")).toBe("green");
    expect(
      Buffer.from(await kubectl.run("get secret login -n demo -o jsonpath={.data.password}"), "base64").toString(),
    ).toBe("hunter2");
    await kubectl.run("wait deployment/web -n demo --for=condition=Available --timeout 30s");
  });

  it("makes tokens, bound ones too, that say whose they are; and acts as somebody else", async () => {
    await kubectl.run("create namespace robots");
    await kubectl.run("create serviceaccount robot -n robots");
    await kubectl.run("create secret generic key -n robots");
    const bound = "--duration 20m --bound-object-kind Secret --bound-object-name key";
    const token = await kubectl.run(`create token robot -n robots ${bound}`);
    // A token counts before the certificate or the token of the kubeconfig.
    const who = await kubectl.run(`auth whoami --token ${token.trim()} -o jsonpath={.status.userInfo}`);
    expect(JSON.parse(who)).toMatchObject({ username: "system:serviceaccount:robots:robot" });
    const as = await kubectl.run("auth whoami --as jane --as-group devs -o jsonpath={.status.userInfo}");
    expect(JSON.parse(as)).toEqual({ username: "jane", groups: ["devs", "system:authenticated"] });
    await kubectl.run("delete namespace robots");
  });

  it("applies and creates a list, and tells that it knows no such kind", async () => {
    const item = (name: string): object => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
    const list = { apiVersion: "v1", kind: "List", items: [item("listed-a"), item("listed-b")] };
    const applied = await kubectl.run("apply -n demo -f -", JSON.stringify(list));
    expect(applied).toBe("configmap/listed-a created\nconfigmap/listed-b created\n");
    const second = { ...list, items: [item("listed-c")] };
    expect(await kubectl.run("create -n demo -f -", JSON.stringify(second))).toBe("configmap/listed-c created\n");
    const stranger = { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "w" } };
    const { stderr } = await kubectl.try("apply -n demo -f -", JSON.stringify(stranger));
    expect(stderr).toContain('no matches for kind "Widget" in version "example.com/v1"');
  });

  it("labels, annotates, edits by every kind of patch, and selects by label", async () => {
    await kubectl.run("label configmap settings -n demo tier=front");
    await kubectl.run("annotate configmap settings -n demo note='two words'");
    await kubectl.run(`patch configmap settings -n demo --type merge -p '{"data":{"size":"xl"}}'`);
    await kubectl.run(`patch configmap settings -n demo --type json -p '[{"op":"remove","path":"/data/color"}]'`);
    expect(await kubectl.run("get configmap -n demo -l tier=front -o jsonpath={.items[*].data}")).toBe('{"size":"xl"}');
    await kubectl.run("label configmap settings -n demo tier-");
    expect((await kubectl.try("get configmap -n demo -l tier=front")).stderr).toContain("No resources found");
  });

  it("replaces, and is told of a conflict", async () => {
    const read = JSON.parse(await kubectl.run("get configmap settings -n demo -o json")) as {
      readonly metadata: object;
      data: object;
    };
    await kubectl.run("replace -f -", JSON.stringify({ ...read, data: { size: "s" } }));
    const { code, stderr } = await kubectl.try("replace -f -", JSON.stringify({ ...read, data: { size: "m" } }));
    expect(code).not.toBe(0);
    expect(stderr).toContain("the object has been modified");
  });

  it("shows differences and dry runs without changing anything", async () => {
    const wanted = JSON.stringify({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "planned", namespace: "demo" },
      data: { a: "1" },
    });
    expect(await kubectl.run("apply --dry-run=server -f -", wanted)).toContain(
      "configmap/planned created (server dry run)",
    );
    expect((await kubectl.try("get configmap planned -n demo")).stderr).toContain("not found");
  });

  it("watches what changes", async () => {
    const watching = kubectl.follow("get configmaps -n demo --watch --output-watch-events");
    await until("the present ones", () => /ADDED +settings/.test(watching.output()));
    await kubectl.run("create configmap seen -n demo");
    await kubectl.run("annotate configmap seen -n demo a=b");
    await kubectl.run("delete configmap seen -n demo");
    await until("all three events", () =>
      /ADDED +seen[\s\S]*MODIFIED +seen[\s\S]*DELETED +seen/.test(watching.output()),
    );
    watching.stop();
  });

  it("lists in pages", async () => {
    expect((await kubectl.run("get configmaps -A --chunk-size 1 -o name")).trim().split("\n").length).toBeGreaterThan(
      2,
    );
  });
});

describe("bad input", () => {
  const refused = async (args: string, input?: string): Promise<string> => {
    const { code, stderr } = await kubectl.try(args, input);
    expect(code).not.toBe(0);
    return stderr;
  };

  it("is refused when a field is unknown, with its name", async () => {
    const message = await refused(
      "apply -f -",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndataa: {x: y}\n",
    );
    expect(message).toContain('unknown field "dataa"');
  });

  it("is refused when a field has the wrong type", async () => {
    const message = await refused(
      "apply --validate=false -f -",
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: many}\n",
    );
    expect(message).toMatch(/replicas|cannot unmarshal|BadRequest/);
  });

  it("is refused when it breaks a rule, with every broken one", async () => {
    const message = await refused(
      "create -f -",
      "apiVersion: v1\nkind: Pod\nmetadata: {name: Bad_Name}\nspec: {containers: []}\n",
    );
    expect(message).toContain("metadata.name");
    expect(message).toContain("spec.containers");
  });

  it("is refused when the manifest is larger than the API takes, and the cluster goes on", async () => {
    const file = join(kubectl.directory, "large.json");
    const data = { blob: "x".repeat(5 * 1024 * 1024) };
    writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "large" }, data }));
    expect(await refused(`create -f ${file}`)).toMatch(/too large/i);
    expect(await kubectl.run("get --raw /readyz")).toBe("ok");
  });

  it("is refused when the kind or the object does not exist", async () => {
    expect(await refused("get gadgets")).toContain(`the server doesn't have a resource type "gadgets"`);
    expect(await refused("get pod nobody")).toContain('pods "nobody" not found');
    expect(await refused("create configmap x -n nowhere")).toContain('namespaces "nowhere" not found');
  });

  it("is refused without credentials", async () => {
    const answer = await refused("get pods --token wrong");
    expect(answer).toMatch(/Unauthorized|logged in/);
  });
});
