import { expect, it } from "vitest";
import { daemonSets, pods, statefulSets } from "../../../actors/client/resources.ts";
import { ControlPlane } from "./control-plane.ts";
import { podsOf } from "./objects.ts";

const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "nginx:1" }] } };
const selector = { matchLabels: { app: "web" } };

it("x", async () => {
  const plane = new ControlPlane({ seed: 1, workers: 3 });
  await plane.start();
  await plane.do((client) =>
    client.create(statefulSets, {
      metadata: { name: "web", namespace: "default" },
      spec: { replicas: 3, serviceName: "web", selector, template },
    }),
  );
  await plane.do((client) =>
    client.create(daemonSets, {
      metadata: { name: "agent", namespace: "kube-system" },
      spec: { selector, template },
    }),
  );
  await plane.until("3", async () => (await plane.client.get(statefulSets, "web", "default")).status?.availableReplicas === 3);
  console.log(JSON.stringify((await plane.do(podsOf)).map(p => [p.metadata?.name, p.metadata?.labels, p.spec?.nodeName]), null, 1));
  console.log(JSON.stringify((await plane.do((c) => podsOf(c, "kube-system"))).map(p => [p.metadata?.name, p.metadata?.labels, p.spec?.nodeName]), null, 1));
  console.log(JSON.stringify((await plane.do((c) => c.get(daemonSets, "agent", "kube-system"))).status), JSON.stringify((await plane.do((c) => c.get(statefulSets, "web", "default"))).status));
  expect(pods).toBeDefined();
});
