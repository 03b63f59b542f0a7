/** `kubectl` as a user of applications drives it, on real containers. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../actors/cluster/cluster.ts";
import { inkube } from "../fixtures/built.ts";
import { Kubectl } from "../fixtures/kubectl.ts";
import { until } from "../fixtures/until.ts";

const example = (name: string): string => fileURLToPath(new URL(`../examples/${name}`, import.meta.url));

let cluster: Cluster;
let kubectl: Kubectl;

beforeAll(async () => {
  cluster = await inkube.Cluster.start({
    masters: 1,
    workers: 2,
    images: {
      "shop/web:1": { module: example("shop/web.js") },
      "shop/web:2": { module: example("shop/web.js"), env: { VERSION: "2" } },
      "shop/backend:1": { module: example("shop/backend.js") },
    },
  });
  kubectl = new Kubectl(cluster.kubeconfig);
});
afterAll(async () => {
  kubectl?.close();
  await cluster?.stop();
});

describe("kubectl on an application", () => {
  it("applies the shop and follows its rollout to the end", async () => {
    const applied = await kubectl.run(`apply -f ${example("shop.yaml")}`);
    expect(applied.trim().split("\n")).toEqual([
      "namespace/shop created",
      "configmap/web-config created",
      "deployment.apps/backend created",
      "service/backend created",
      "deployment.apps/web created",
      "service/web created",
    ]);
    expect(await kubectl.run("rollout status -n shop deployment/web --timeout 30s")).toContain(
      "successfully rolled out",
    );
    expect(await kubectl.run("rollout status -n shop deployment/backend --timeout 30s")).toContain(
      "successfully rolled out",
    );
  });

  it("applies the same again without changing anything", async () => {
    const again = await kubectl.run(`apply -f ${example("shop.yaml")}`);
    for (const line of again.trim().split("\n")) expect(line).toMatch(/ unchanged$/);
  });

  it("shows pods with their addresses and nodes", async () => {
    const [heading, ...rows] = (await kubectl.run("get pods -n shop -l app=web -o wide")).trim().split("\n");
    expect(heading).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES *$/);
    expect(rows).toHaveLength(6);
    for (const row of rows)
      expect(row).toMatch(/^web-\S+ +1\/1 +Running +0 +\d+m?\d*s? +127\.\d+\.\d+\.\d+ +worker-[01] /);
    expect(await kubectl.run("get nodes")).toMatch(/worker-0 +Ready +/);
    expect(await kubectl.run("get deployment,replicaset,service,endpointslice -n shop")).toMatch(
      /deployment\.apps\/web +6\/6 +6 +6 /,
    );
  });

  it("describes a pod with its events, a node with its pods, and a service with its endpoints", async () => {
    const pod = (await kubectl.run("get pods -n shop -l app=web -o name")).split("\n")[0]!;
    const described = await kubectl.run(`describe -n shop ${pod}`);
    expect(described).toMatch(/Status: +Running/);
    expect(described).toMatch(/Normal +Scheduled +.*Successfully assigned shop\/web-/);
    expect(described).toMatch(/Normal +Started /);
    expect(await kubectl.run("describe node worker-0")).toMatch(/Non-terminated Pods:/);
    expect(await kubectl.run("describe service -n shop web")).toMatch(/Endpoints: +127\./);
    expect(await kubectl.run("describe deployment -n shop web")).toMatch(
      /6 desired \| 6 updated \| 6 total \| 6 available/,
    );
  });

  it("serves requests through the node port", async () => {
    const port = await kubectl.run("get service web -n shop -o jsonpath={.spec.ports[0].nodePort}");
    const answer = (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as { readonly greeting: string };
    expect(answer.greeting).toBe("Welcome to the shop");
  });

  it("scales up and down, also through patch", async () => {
    expect(await kubectl.run("scale deployment/web -n shop --replicas 8")).toContain("deployment.apps/web scaled");
    await kubectl.run("rollout status -n shop deployment/web --timeout 30s");
    expect((await kubectl.run("get pods -n shop -l app=web --no-headers")).trim().split("\n")).toHaveLength(8);
    await kubectl.run(`patch deployment/web -n shop -p '{"spec":{"replicas":3}}'`);
    await kubectl.run("wait -n shop deployment/web --for=jsonpath={.status.replicas}=3 --timeout 30s");
  });

  it("replaces a pod that is deleted", async () => {
    const [victim] = (await kubectl.run("get pods -n shop -l app=backend -o name")).split("\n");
    expect(await kubectl.run(`delete -n shop ${victim}`)).toContain("deleted");
    await kubectl.run("wait -n shop deployment/backend --for=jsonpath={.status.availableReplicas}=2 --timeout 30s");
    expect(await kubectl.run("get pods -n shop -l app=backend -o name")).not.toContain(victim);
  });

  it("rolls out a new image, shows the history, and rolls back", async () => {
    await kubectl.run("set image -n shop deployment/web web=shop/web:2");
    expect(await kubectl.run("rollout status -n shop deployment/web --timeout 30s")).toContain(
      "successfully rolled out",
    );
    const images = await kubectl.run("get pods -n shop -l app=web -o 'jsonpath={.items[*].spec.containers[0].image}'");
    expect(new Set(images.split(" "))).toContain("shop/web:2");
    expect(await kubectl.run("rollout history -n shop deployment/web")).toMatch(/REVISION[\s\S]*1[\s\S]*2/);
    await kubectl.run("rollout undo -n shop deployment/web");
    await kubectl.run("rollout status -n shop deployment/web --timeout 30s");
    expect(
      await kubectl.run("get deployment web -n shop -o 'jsonpath={.spec.template.spec.containers[0].image}'"),
    ).toBe("shop/web:1");
  });

  it("restarts a rollout", async () => {
    await kubectl.run("rollout restart -n shop deployment/backend");
    expect(await kubectl.run("rollout status -n shop deployment/backend --timeout 30s")).toContain(
      "successfully rolled out",
    );
  });

  it("prints logs, the last lines of them, and goes on with what is written", async () => {
    const manifest = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "talker" },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          { name: "talker", image: "busybox", command: ["sh", "-c", "echo one; echo two; read line; echo $line"] },
        ],
      },
    };
    manifest.spec.containers[0]!.command[2] = "echo one; echo two; while sleep 0.1; do echo again; done";
    await kubectl.run("apply -f -", JSON.stringify(manifest));
    await kubectl.run("wait pod/talker --for=condition=Ready --timeout 30s");
    await until("both lines", async () => (await kubectl.run("logs talker")).startsWith("one\ntwo\n"));
    expect(await kubectl.run("logs talker --tail 1")).toBe("again\n");
    const following = kubectl.follow("logs -f talker");
    await until("later lines", () => /one\ntwo\n(again\n){3}/.test(following.output()));
    following.stop();
  });

  it("says how to register an image that it does not know", async () => {
    await kubectl.run("run stranger --image example.com/stranger:1 --restart Never");
    const message = await until("the reason", async () => {
      const described = await kubectl.run("describe pod stranger");
      return /ErrImagePull|ImagePullBackOff/.test(described) && described;
    });
    expect(message).toMatch(/images/);
    await kubectl.run("delete pod stranger --now");
  });

  it("shows events", async () => {
    expect(await kubectl.run("get events -n shop")).toMatch(/Scheduled +pod\/web-/);
  });

  it("deletes a namespace with everything in it", async () => {
    await kubectl.run("delete namespace shop --timeout 40s");
    expect((await kubectl.try("get namespace shop")).stderr).toContain('namespaces "shop" not found');
    expect(await kubectl.run("get pods -A -o name")).not.toContain("web-");
  });
});
