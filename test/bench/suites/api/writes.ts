import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { load, send, sendAll } from "../../api-process.ts";
import type { Row } from "./row.ts";
import { PODS_PATH, rounds } from "./row.ts";

const CLIENTS = 16;
const PATCHES = 600;
const APPLIES = 600;
const PATH = "/apis/apps/v1/namespaces/default/deployments";
const APPLY = "application/apply-patch+yaml";

/** PATCH of one pod, whose managers each patch writes anew, and server-side apply. */
export const writes: Row = async (api, directory, take) => {
  const patch = { recorded: { rate: 245, cpuUs: 7_340 }, target: "≥ 8 ×" };
  await rounds(`PATCH of one pod by ${CLIENTS} clients`, take, patch, (round) =>
    sendAll(api, CLIENTS, PATCHES, (at) => ({
      method: "PATCH",
      path: `${PODS_PATH}/bench`,
      contentType: "application/merge-patch+json",
      body: JSON.stringify({ metadata: { labels: { "bench-patch": `${round}-${at}` } } }),
    })),
  );
  await rounds("server-side apply of a Deployment, first", take, {}, (round) =>
    sendAll(api, CLIENTS, APPLIES, (at) => {
      const name = `bench-${round}-${at}`;
      return { method: "PATCH", path: applyPath(name), contentType: APPLY, body: deployment(name) };
    }),
  );
  const bodyFile = join(directory, "deployment.json");
  writeFileSync(bodyFile, deployment("bench"));
  const path = applyPath("bench");
  await send(api, { method: "PATCH", path, contentType: APPLY, body: deployment("bench") });
  await rounds("server-side apply of a Deployment, again", take, {}, () =>
    load(api, { path, count: APPLIES, method: "PATCH", bodyFile, contentType: APPLY }),
  );
};

function applyPath(name: string): string {
  return `${PATH}/${name}?fieldManager=bench`;
}

/** Paused: no controller acts on it. */
function deployment(name: string): string {
  const labels = { app: name, tier: "front" };
  const probe = { httpGet: { path: "/healthz", port: 8_080 }, periodSeconds: 5 };
  const resources = { requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "128Mi" } };
  const ports = [{ name: "http", containerPort: 8_080 }];
  const env = [{ name: "LEVEL", value: "info" }];
  const container = { name: "web", image: "nginx", ports, env, resources, readinessProbe: probe };
  const template = { metadata: { labels }, spec: { containers: [container] } };
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, labels },
    spec: { replicas: 0, paused: true, selector: { matchLabels: { app: name } }, template },
  });
}
