/**
 * The rule that keeps the layers: `protocols/` <- `runtime/` <- `actors/`, cores are pure, shells carry, and only `io/`
 * touches the machine. The checks read the sources themselves, because the usual tool for it looks at no module at all
 * with this TypeScript and reports success.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join, normalize, dirname } from "node:path";
import { describe, expect, it } from "vitest";

const root = new URL("../..", import.meta.url).pathname;

interface Source {
  readonly file: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function sourcesOf(directory: string): Source[] {
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => parse(path.slice(root.length), readFileSync(path, "utf8")));
}

/** Comments are blanked, so that a word in prose is no use of it; strings stay, because imports are strings. */
export function parse(file: string, text: string): Source {
  const code = text.replace(/\/\*[\s\S]*?\*\/|(?<=^|[\s;{}(,])\/\/[^\n]*/g, (comment) =>
    comment.replace(/[^\n]/g, " "),
  );
  const found = [
    ...code.matchAll(/(?:^import\s|^import .*?\bfrom\s|^\} from\s|^export .*?\bfrom\s|\bimport\()\s*"([^"]+)"/gm),
  ].map((match) => match[1]!);
  const imports = found.map((name) => (name.startsWith(".") ? normalize(join(dirname(file), name)) : name));
  return { file, text: code, imports };
}

const isOwn = (name: string): boolean => /^(protocols|runtime|actors|test)\//.test(name);
const isCore = (file: string): boolean => /^actors\/[^/]+\/core\//.test(file);
/** The embedder's side and thread entries are at home in the outside world, and so is what runs inside of containers. */
const mayTouchMachine = (file: string): boolean =>
  /^actors\/[^/]+\/io\//.test(file) ||
  /^actors\/[^/]+\/index\.ts$/.test(file) ||
  file.startsWith("actors/cluster/") ||
  file.startsWith("actors/container-runtime/images/");

const AMBIENT =
  /\b(setTimeout|setInterval|setImmediate|performance\.|Date\.now|Math\.random|process\.|crypto\.(?:randomUUID|getRandomValues|subtle)|fetch\(|queueMicrotask|new Date\(\)|AbortSignal\.timeout|Atomics\.|new (?:Worker|MessageChannel|BroadcastChannel|WeakRef|FinalizationRegistry)\b)/;
const MACHINE_MODULES = /^(node:|nanoid|piscina|comlink|commander)/;

/** Everything wrong with `source`, in words. */
export function violations(source: Source): string[] {
  const { file, text, imports } = source;
  const wrong: string[] = [];
  const say = (what: string): void => void wrong.push(`${file}: ${what}`);
  const layer = file.split("/")[0]!;
  const actor = file.startsWith("actors/") ? file.split("/")[1]! : undefined;
  for (const name of imports) {
    if (layer === "protocols" && !name.startsWith("protocols/"))
      say(`protocols import nothing but protocols, not ${name}`);
    if (layer === "runtime" && /^(actors|test)\//.test(name)) say(`the runtime knows no component: ${name}`);
    if (layer === "actors" && name.startsWith("test/")) say(`a product must not import a test: ${name}`);
    if (actor !== undefined && actor !== "cluster" && name.startsWith("actors/")) {
      const other = name.split("/")[1]!;
      if (other !== actor && other !== "client") say(`no actor imports another actor: ${name}`);
    }
    if (isCore(file)) {
      const own = `actors/${actor}/core/`;
      if (!name.startsWith("protocols/") && !name.startsWith(own))
        say(`a core imports protocols and its own core only, not ${name}`);
    }
    if (layer === "actors" && !mayTouchMachine(file) && MACHINE_MODULES.test(name)) say(`only io/ may import ${name}`);
  }
  if (isCore(file)) {
    if (/\b(await|async|Promise)\b/.test(text)) say("a core neither waits nor promises");
  }
  if (layer !== "runtime" && !mayTouchMachine(file)) {
    const ambient = AMBIENT.exec(text);
    if (ambient !== null) say(`uses the ambient ${ambient[0]} instead of its context`);
  }
  if (layer === "runtime" && /^runtime\/((cell|messages|context|frame)\.ts$|supervisor\/)/.test(file)) {
    const ambient = AMBIENT.exec(text);
    if (ambient !== null) say(`is shared by both hosts and must not use the ambient ${ambient[0]}`);
  }
  if (!isOwn(file)) say("lies outside of the layers");
  return wrong;
}

describe("the layers", () => {
  const sources = ["protocols", "runtime", "actors"].flatMap(sourcesOf);

  it("has sources to look at in every layer and every actor", () => {
    expect(sources.length).toBeGreaterThan(50);
    for (const actor of [
      "etcd",
      "api-server",
      "scheduler",
      "controller-manager",
      "kubelet",
      "kube-proxy",
      "container-runtime",
    ]) {
      expect(sources.filter(({ file }) => file.startsWith(`actors/${actor}/core/`)).length, actor).toBeGreaterThan(0);
      expect(
        sources.some(({ file }) => file === `actors/${actor}/${actor}.ts`),
        actor,
      ).toBe(true);
    }
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(200);
  });

  it("holds for every import and every ambient clock, timer, random, file and socket", () => {
    expect(sources.flatMap(violations)).toEqual([]);
  });

  it.each([
    ["protocols/a.ts", 'import { x } from "../runtime/b.ts";'],
    ["runtime/a.ts", 'import { x } from "../actors/etcd/etcd.ts";'],
    ["actors/etcd/etcd.ts", 'import { x } from "../kubelet/kubelet.ts";'],
    ["actors/etcd/etcd.ts", 'import { readFile } from "node:fs/promises";'],
    ["actors/etcd/etcd.ts", "const now = Date.now();"],
    ["actors/etcd/etcd.ts", "setTimeout(() => {}, 1);"],
    ["actors/etcd/etcd.ts", 'const fs = await import("node:fs");'],
    ["actors/etcd/core/raft.ts", "const x = Math.random();"],
    ["actors/etcd/core/raft.ts", "export async function f() {}"],
    ["actors/etcd/core/raft.ts", 'import type { Clock } from "../../../runtime/clock.ts";'],
    ["actors/etcd/core/raft.ts", 'import type { X } from "../etcd.ts";'],
    ["runtime/cell.ts", "setTimeout(() => {}, 1);"],
  ])("finds fault with %s when it says %s", (file, text) => {
    expect(violations(parse(file, text))).toHaveLength(1);
  });

  it("takes prose for prose", () => {
    expect(
      violations(parse("actors/etcd/etcd.ts", "/** Never Date.now(). */\n// setTimeout\nexport const x = 1;")),
    ).toEqual([]);
  });
});
