/** The trace of a simulated world answers as a running cluster's does. */
import { expect, it } from "vitest";
import { simulate } from "../../../actors/cluster/chaos/index.ts";
import { traceOf } from "../../../actors/cluster/trace.ts";
import { contentsOfNdjson } from "../../../actors/trace-collector/core/ndjson.ts";
import { TraceRecord } from "../../../actors/trace-collector/core/record.ts";
import { pods, secrets } from "../../../actors/client/resources.ts";

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
