/** What kube-apiserver 1.37.1 says of an object of each kind, and of what can be wrong with it. */
import { readFileSync, readdirSync } from "node:fs";
import type { Served } from "../../../../../actors/api-server/core/catalog/catalog.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { servedAs } from "../harness/catalog.ts";

/** Values by JSON pointer; `(none)` removes. */
export type Changes = Readonly<Record<string, unknown>>;

export interface KindCase {
  readonly verb: "create" | "update";
  readonly base: "full" | "minimal";
  readonly changes: Changes;
  readonly causes: string[];
  readonly warnings: string[];
  /** What is different in the object besides the changes; absent when it is refused. */
  more?: Changes;
}

export interface KindFixture {
  readonly title: string;
  readonly served: Served;
  readonly objects: Record<string, KubernetesObject>;
  readonly shown: Record<string, KubernetesObject>;
  cells?: readonly unknown[];
  readonly cases: KindCase[];
}

const FOLDER = new URL("./fixtures/kinds/", import.meta.url);

/** `test/conformance/record-kinds.mjs` says how the files are to be read. */
function readKind(section: string): KindFixture {
  const [head = "", ...lines] = section.trimEnd().split("\n");
  const [apiVersion = "", resource = ""] = head.split(" ");
  const kind: KindFixture = { title: head, served: servedAs(apiVersion, resource), objects: {}, shown: {}, cases: [] };
  for (const line of lines) {
    const [, word = "", rest = ""] = /^(\S+) (.*)$/.exec(line) ?? [];
    const current = kind.cases.at(-1);
    if (line.startsWith("  ~ ")) current?.warnings.push(line.slice(4));
    else if (line === "  =" || line.startsWith("  = ")) {
      if (current !== undefined) current.more = JSON.parse(line.slice(4) || "{}") as Changes;
    } else if (line.startsWith("  ")) current?.causes.push(line.slice(2));
    else if (word === "full" || word === "minimal") kind.objects[word] = JSON.parse(rest) as KubernetesObject;
    else if (word === "full:" || word === "minimal:")
      kind.shown[word.slice(0, -1)] = JSON.parse(rest) as KubernetesObject;
    else if (word === "cells:") kind.cells = JSON.parse(rest) as readonly unknown[];
    else if (word === "create" || word === "update") {
      const space = rest.indexOf(" ");
      const base = rest.slice(0, space) as KindCase["base"];
      const changes = JSON.parse(rest.slice(space + 1)) as Changes;
      kind.cases.push({ verb: word, base, changes, causes: [], warnings: [] });
    }
  }
  return kind;
}

export const kindFixtures: readonly KindFixture[] = readdirSync(FOLDER).flatMap((file) =>
  readFileSync(new URL(file, FOLDER), "utf8").split(/^== /m).slice(1).map(readKind),
);
