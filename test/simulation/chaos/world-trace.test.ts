/** The trace of a simulated world answers as a running cluster's does. */
import { expect, it } from "vitest";
import { simulate } from "../../../actors/cluster/chaos/index.ts";
import type { ControllerUnderTest } from "../../../actors/cluster/chaos/index.ts";
import { traceOf } from "../../../actors/cluster/trace.ts";
import { contentsOfNdjson } from "../../../actors/trace-collector/core/ndjson.ts";
import { TraceRecord } from "../../../actors/trace-collector/core/record.ts";
import { configMaps, pods, secrets } from "../../../actors/client/resources.ts";

it("tells why, what objects were, and opens elsewhere; data of Secrets are not in it", async () => {
  await simulate({}, async (world) => {
    const metadata = { name: "web", namespace: "default" };
    const containers = [{ name: "main", image: "nginx" }];
    await world.client.create(pods, { metadata, spec: { containers } });
    const value = Buffer.from("of nobody's business").toString("base64");
    await world.client.create(secrets, { metadata, data: { word: value } });
    await world.settle();
    const { trace } = world;
    expect((await trace.why("pod/web")).sentence).toMatch(/^web /);
    const [scheduled] = await trace.events({ kind: "scheduled" });
    expect(scheduled).toMatchObject({ subject: "pods/default/web" });
    const text = await trace.export("ndjson");
    expect(text).not.toContain(value);
    expect(text).toContain('"word":"hmac-sha256:');
    const again = traceOf(new TraceRecord(contentsOfNdjson(text, "the export")));
    expect(await again.why("pod/web")).toEqual(await trace.why("pod/web"));
    const before = await again.at(`${scheduled!.actor}#${scheduled!.sequence}`);
    expect(before.get("pod/web")).toMatchObject({ metadata: { name: "web" } });
  });
});

/** Node.js 24 carries it for nearly nothing; before, only what is done before the first `await` is known. */
const CARRIES = Number(process.versions.node.split(".")[0]) >= 24;

it(`${CARRIES ? "knows" : "does not know"} what a controller's own awaits lead to`, async () => {
  const controller: ControllerUnderTest = {
    name: "copier",
    start: (env) => {
      const queue = env.queue("copies", async (key) => {
        await env.clock.sleep(20);
        const source = await env.client.get(configMaps, key, "default");
        await env.client.create(configMaps, { ...source, metadata: { name: `${key}-copy`, namespace: "default" } });
      });
      const informer = env.informer(configMaps);
      informer.onChange(({ object }) => {
        const { name = "" } = object?.metadata ?? {};
        if (/^source-\d$/.test(name)) queue.add(name);
      });
      informer.start();
    },
  };
  await simulate({ controllers: [controller] }, async (world) => {
    for (const name of ["source-1", "source-2"]) {
      await world.client.create(configMaps, { metadata: { name, namespace: "default" } });
    }
    await world.settle();
    for (const name of ["source-1", "source-2"]) {
      const { chain } = await world.trace.why(`configmap/${name}-copy`);
      const came = chain.map(({ kind, subject }) => `${kind} ${subject}`);
      expect(came.includes(`reconcile copies/${name}`), came.join(", ")).toBe(CARRIES);
    }
  });
});
