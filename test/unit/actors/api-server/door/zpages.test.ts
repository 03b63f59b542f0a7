/** `/flagz` and `/statusz`, as kube-apiserver 1.37.1 serves them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Door } from "../harness/https-client.ts";
import { openDoor } from "../harness/https-client.ts";

const UNPARSEABLE =
  "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.";

let door: Door;
beforeAll(async () => {
  door = await openDoor({ serviceCidr: "10.9.0.0/16" });
});
afterAll(() => door.close());

const asked = (kind: string, version = "v1beta1", type = "application/json"): Record<string, string> => ({
  accept: `${type};v=${version};g=config.k8s.io;as=${kind}`,
});

describe("/flagz and /statusz", () => {
  it("are texts for people", async () => {
    const flags = await door.ask("GET", "/flagz");
    expect([flags.status, flags.type]).toEqual([200, "text/plain; charset=utf-8"]);
    expect(flags.text).toMatch(`\napiserver flagz\n${UNPARSEABLE}\n`);
    expect(flags.text).toContain("\nservice-cluster-ip-range: 10.9.0.0/16\n");
    expect(flags.text).toContain("\nevent-ttl: 1h0m0s\n");
    expect(flags.text).not.toContain("secret");
    const names = flags.text.split("\n").flatMap((line) => /^([a-z0-9-]+): /.exec(line)?.[1] ?? []);
    expect(names).toEqual([...names].sort());
    const status = await door.ask("GET", "/statusz", { accept: "application/json, text/*" });
    expect(status.text).toMatch(`\napiserver statusz\n${UNPARSEABLE}\n\nStarted: `);
    expect(status.text).toMatch(/\nUp: 0 hr 00 min \d\d sec\n/);
    expect(status.text).toContain("\nPaths: /flagz /healthz /livez /metrics /readyz /statusz /version\n");
  });

  it("are objects for programs that name group, version and kind", async () => {
    const flags = await door.ask("GET", "/flagz", asked("Flagz"));
    expect(flags.type).toBe("application/json;g=config.k8s.io;v=v1beta1;as=Flagz");
    expect(JSON.parse(flags.text)).toMatchObject({
      kind: "Flagz",
      apiVersion: "config.k8s.io/v1beta1",
      metadata: { name: "apiserver" },
      flags: { "service-cluster-ip-range": "10.9.0.0/16" },
    });
    const status = await door.ask("GET", "/statusz", asked("Statusz", "v1beta1", "application/yaml"));
    expect(status.type).toBe("application/yaml;g=config.k8s.io;v=v1beta1;as=Statusz");
    const value = parse(status.text) as Record<string, unknown>;
    expect(value).toMatchObject({ kind: "Statusz", apiVersion: "config.k8s.io/v1beta1", emulationVersion: "1.37" });
    expect(Date.parse(String(value["startTime"]))).toBeLessThanOrEqual(Date.now());
    expect([flags.headers["warning"], status.headers["warning"]]).toEqual([undefined, undefined]);
    const old = await door.ask("GET", "/statusz", asked("Statusz", "v1alpha1"));
    expect(old.headers["warning"]).toBe(
      '299 - "This version of the statusz endpoint is deprecated. Please use a newer version."',
    );
  });

  it.each([
    "application/json",
    "application/*",
    "text/html",
    "application/vnd.kubernetes.protobuf",
    "application/json;v=v1;g=config.k8s.io;as=Flagz",
    "application/json;v=v1beta1;g=config.k8s.io;as=Statusz",
  ])("are nothing for who takes only %s", async (accept) => {
    const { status, text } = await door.ask("GET", "/flagz", { accept });
    expect(status).toBe(406);
    expect(JSON.parse(text)).toMatchObject({
      message: "only the following media types are accepted: application/json, application/yaml, text/plain",
      reason: "NotAcceptable",
    });
  });

  it("say so in YAML to who takes only that", async () => {
    const { status, type, text } = await door.ask("GET", "/flagz", { accept: "application/yaml" });
    expect([status, type, (parse(text) as { reason: string }).reason]).toEqual([
      406,
      "application/yaml",
      "NotAcceptable",
    ]);
  });

  it("are for nobody whom nothing vouches for, and there is nothing below them", async () => {
    for (const path of ["/flagz", "/statusz"]) {
      expect((await door.ask("GET", path, { authorization: "" })).status).toBe(401);
      expect((await door.ask("GET", `${path}/`)).status).toBe(404);
      expect((await door.ask("POST", path)).status).toBe(200);
    }
  });
});
