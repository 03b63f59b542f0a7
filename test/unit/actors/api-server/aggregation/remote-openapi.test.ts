/** Source of the cases: kube-openapi `pkg/aggregator`, as kube-apiserver merges what aggregated servers tell. */
import { describe, expect, it } from "vitest";
import type { RemoteOpenApi } from "../../../../../actors/api-server/core/aggregation/remote-openapi.ts";
import { MergedOpenApi, remoteOpenApi } from "../../../../../actors/api-server/core/aggregation/remote-openapi.ts";
import type { OpenApiV2Part } from "../../../../../actors/api-server/core/machinery/openapi-v2.ts";
import {
  definitionPiece,
  openApiV2Json,
  openApiV2Protobuf,
  pathPiece,
} from "../../../../../actors/api-server/core/machinery/openapi-v2.ts";
import { ProtobufWriter } from "../../../../../actors/api-server/core/machinery/protobuf-writer.ts";
import { finished } from "../../../../../actors/api-server/core/steps.ts";

const KINDS = "x-kubernetes-group-version-kind";
const writer = new ProtobufWriter();
const ref = (name: string): object => ({ $ref: `#/definitions/${name}` });
const path = (...names: readonly string[]): object => ({
  get: { responses: { 200: { description: "OK", schema: { allOf: names.map(ref) } } } },
});
const kind = (group: string): object => ({ group, version: "v1", kind: "Options" });

/** What this server has itself. */
function own(definitions: Readonly<Record<string, object>> = {}): OpenApiV2Part {
  const pieces = Object.entries(definitions).map(
    ([name, value]) => [name, definitionPiece(writer, name, value as never)] as const,
  );
  return { paths: new Map([["/own", pathPiece(writer, "/own", path() as never)]]), definitions: new Map(pieces) };
}

function told(document: object): RemoteOpenApi {
  const found = remoteOpenApi(document, "ext.example", "v1");
  if (found === undefined) throw new Error("it is no document");
  return found;
}

interface Shown {
  readonly paths: Readonly<Record<string, unknown>>;
  readonly definitions: Readonly<Record<string, unknown>>;
  readonly parameters?: Readonly<Record<string, unknown>>;
}

function merged(part: OpenApiV2Part, ...remotes: readonly RemoteOpenApi[]): Shown {
  const all = new MergedOpenApi([part], writer);
  for (const remote of remotes) all.add(remote);
  return JSON.parse(new TextDecoder().decode(finished(openApiV2Json(all.parts)))) as Shown;
}

const BELOW = "/apis/ext.example/v1/";

describe("what another server tells", () => {
  it("counts for its own version, with what its paths lead to and what nobody uses", () => {
    const definitions = {
      a: { properties: { b: ref("b") } },
      b: {},
      other: {},
      shared: {},
      unused: {},
    };
    const paths = { [`${BELOW}things`]: path("a", "shared"), "/apis/ext.example/v1beta1/x": path("other", "shared") };
    const { paths: kept, definitions: left } = told({ swagger: "2.0", paths, definitions });
    expect([Object.keys(kept), Object.keys(left)]).toEqual([[`${BELOW}things`], ["a", "b", "shared", "unused"]]);
  });

  it.each<[what: string, document: unknown]>([
    ["no object", "text"],
    ["paths that are a list", { paths: [] }],
    ["a definition that is none", { definitions: { a: null } }],
    ["a property that is nothing", { paths: { [`${BELOW}x`]: {} }, definitions: { a: { properties: null } } }],
    ["responses that are nothing", { paths: { [`${BELOW}x`]: { get: { responses: null } } } }],
    [
      "what is nested without end",
      { paths: { [`${BELOW}x`]: JSON.parse(`${'{"a":'.repeat(12_000)}1${"}".repeat(12_000)}`) as object } },
    ],
  ])("is not taken with %s", (_what, document) => {
    expect(remoteOpenApi(document, "ext.example", "v1")).toBeUndefined();
  });
});

describe("documents in one", () => {
  it("have another name for what is another thing, wherever it is meant", () => {
    const remote = told({
      paths: { [`${BELOW}things`]: path("Meta", "Same") },
      definitions: { Meta: { description: "theirs", properties: { next: ref("Meta") } }, Same: { type: "string" } },
    });
    const { paths, definitions } = merged(own({ Meta: { description: "ours" }, Same: { type: "string" } }), remote);
    expect(definitions).toEqual({
      Meta: { description: "ours" },
      Meta_v2: { description: "theirs", properties: { next: ref("Meta_v2") } },
      Same: { type: "string" },
    });
    expect(paths[`${BELOW}things`]).toEqual(path("Meta_v2", "Same"));
  });

  it("take a name that is there already for the same thing, and none that is meant for another", () => {
    const of = (description: string, name: string, more: object = {}): RemoteOpenApi =>
      told({ paths: { [BELOW + name]: path("Meta") }, definitions: { Meta: { description }, ...more } });
    const taken = of("theirs", "c", { Meta_v3: { description: "its own" } });
    const third = { ...taken, definitions: { ...taken.definitions, Meta: { description: "third" } } };
    const { paths, definitions } = merged(own({ Meta: {} }), of("theirs", "a"), of("theirs", "b"), third);
    expect(Object.keys(definitions)).toEqual(["Meta", "Meta_v2", "Meta_v3", "Meta_v4"]);
    expect([paths[`${BELOW}a`], paths[`${BELOW}b`]]).toEqual([path("Meta_v2"), path("Meta_v2")]);
    expect([definitions["Meta_v4"], paths[`${BELOW}c`]]).toEqual([{ description: "third" }, path("Meta_v4")]);
  });

  it("name the kinds of all for what is the same but for them", () => {
    const remote = told({
      paths: { [`${BELOW}things`]: path("Options") },
      definitions: { Options: { type: "object", [KINDS]: [kind("b"), kind("ext.example")] } },
    });
    const { definitions } = merged(own({ Options: { type: "object", [KINDS]: [kind("b"), kind("z")] } }), remote);
    expect(definitions["Options"]).toEqual({ type: "object", [KINDS]: [kind("b"), kind("ext.example"), kind("z")] });
  });

  it("keep a path that is there already, and take nothing that only the other one would need", () => {
    const first = told({ paths: { [`${BELOW}a`]: path("X") }, definitions: { X: { title: "1" } } });
    const second = told({
      paths: { [`${BELOW}a`]: path("Y"), [`${BELOW}b`]: path("Z") },
      definitions: { Y: {}, Z: {} },
    });
    const { paths, definitions } = merged(own(), first, second);
    expect(Object.keys(paths)).toEqual([`${BELOW}a`, `${BELOW}b`, "/own"]);
    expect([paths[`${BELOW}a`], Object.keys(definitions)]).toEqual([path("X"), ["X", "Z"]]);
  });

  it("have the parameters that paths share, under names of their own", () => {
    const of = (name: string, type: string): RemoteOpenApi =>
      told({
        paths: { [BELOW + name]: { get: { responses: {} }, parameters: [{ $ref: "#/parameters/p" }] } },
        parameters: { p: { name: "p", in: "query", type } },
      });
    const { paths, parameters } = merged(own(), of("a", "string"), of("b", "integer"));
    expect(Object.keys(parameters ?? {})).toEqual(["p", "p_v2"]);
    expect(paths[`${BELOW}b`]).toMatchObject({ parameters: [{ $ref: "#/parameters/p_v2" }] });
    expect(merged(own()).parameters).toBeUndefined();
  });

  // The bytes are those of kube-apiserver 1.37.1 for the same parameters.
  it("are written as protobuf", () => {
    const all = new MergedOpenApi([own()], writer);
    all.add(
      told({
        paths: { [`${BELOW}a`]: { get: { responses: {} }, parameters: [{ $ref: "#/parameters/pretty-tJGM1-ng" }] } },
        parameters: {
          "pretty-tJGM1-ng": { uniqueItems: true, type: "string", description: "D", name: "pretty", in: "query" },
        },
      }),
    );
    const text = Buffer.from(finished(openApiV2Protobuf(all.parts))).toString("latin1");
    const query = "\x12\x05query\x1a\x01D\x22\x06pretty\x32\x06string\xa0\x01\x01";
    const sub = `\x1a${String.fromCharCode(query.length)}${query}`;
    const parameter = `\x12${String.fromCharCode(sub.length)}${sub}`;
    expect(text).toContain(`\x0a\x0fpretty-tJGM1-ng\x12${String.fromCharCode(parameter.length)}${parameter}`);
    expect(text).toContain("J\x20\x12\x1e\x0a\x1c#/parameters/pretty-tJGM1-ng");
  });
});
