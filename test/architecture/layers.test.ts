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

const isCore = (file: string): boolean => /^actors\/[^/]+\/core\//.test(file);
/** The embedder's side and thread entries are at home in the outside world, and so is what runs inside of containers. */
const mayTouchMachine = (file: string): boolean =>
  /^actors\/[^/]+\/io\//.test(file) ||
  /^actors\/[^/]+\/index\.ts$/.test(file) ||
  file.startsWith("actors/cluster/") ||
  file.startsWith("actors/container-runtime/images/");
/** What both hosts run: all of the runtime but the hosts themselves, and the barrel that names them. */
const isShared = (file: string): boolean =>
  file.startsWith("runtime/") && !/^runtime\/(threads|simulation)\//.test(file) && file !== "runtime/index.ts";
const actorOf = (file: string): string | undefined => /^actors\/([^/]+)\//.exec(file)?.[1];

const AMBIENT =
  /\b(setTimeout|setInterval|setImmediate|performance\.|Date\.now|Math\.random|process\.|crypto\.(?:randomUUID|getRandomValues|subtle)|fetch\(|queueMicrotask|new Date\(\)|AbortSignal\.timeout|Atomics\.(?!load\b|store\b|notify\b)|new (?:Worker|MessageChannel|BroadcastChannel|WeakRef|FinalizationRegistry)\b)/;
/** Libraries that compute and touch nothing: a core may build on them. */
const PURE_LIBRARIES: readonly string[] = ["re2js"];
const MACHINE_MODULES = /^(node:|nanoid|piscina|comlink|commander)/;

/**
 * A rule names whole folders and what is taken out of them, never the files that it holds for: a file that is split off
 * or added is held by it from the start.
 */
interface Rule {
  readonly name: string;
  readonly holdsFor: (file: string) => boolean;
  /** What is wrong with a source, one each. */
  readonly wrong: (source: Source) => readonly string[];
  /** A file and what it must not say: the rule is seen to find it. */
  readonly planted: readonly (readonly [file: string, text: string])[];
}

const imports =
  (isAllowed: (name: string, file: string) => boolean) =>
  ({ file, imports: names }: Source): readonly string[] =>
    names.filter((name) => !isAllowed(name, file));
const ambient = ({ text }: Source): readonly string[] => {
  const found = AMBIENT.exec(text);
  return found === null ? [] : [found[0]];
};

const RULES: readonly Rule[] = [
  {
    name: "protocols import nothing but protocols",
    holdsFor: (file) => file.startsWith("protocols/"),
    wrong: imports((name) => name.startsWith("protocols/")),
    planted: [["protocols/a.ts", 'import { x } from "../runtime/b.ts";']],
  },
  {
    name: "the runtime knows no component",
    holdsFor: (file) => file.startsWith("runtime/"),
    wrong: imports((name) => !/^(actors|test)\//.test(name)),
    planted: [
      ["runtime/a.ts", 'import { x } from "../actors/etcd/etcd.ts";'],
      ["runtime/threads/a.ts", 'import { x } from "../../test/fixtures/until.ts";'],
    ],
  },
  {
    name: "what both hosts share knows neither host",
    holdsFor: isShared,
    wrong: imports((name) => !/^runtime\/(threads|simulation)\//.test(name)),
    planted: [["runtime/faults/a.ts", 'import { x } from "../threads/thread-host.ts";']],
  },
  {
    name: "neither host knows the other",
    holdsFor: (file) => /^runtime\/(threads|simulation)\//.test(file),
    wrong: imports(
      (name, file) => !/^runtime\/(threads|simulation)\//.test(name) || name.split("/")[1] === file.split("/")[1],
    ),
    planted: [["runtime/simulation/a.ts", 'import { x } from "../threads/thread-host.ts";']],
  },
  {
    name: "what both hosts share uses no ambient clock, timer, random, process or thread",
    holdsFor: isShared,
    wrong: ambient,
    planted: [
      ["runtime/cell.ts", "setTimeout(() => {}, 1);"],
      ["runtime/incoming.ts", "const now = performance.now();"],
      ["runtime/faults/split-off.ts", "const x = Math.random();"],
      ["runtime/supervisor/a.ts", "const now = Date.now();"],
    ],
  },
  {
    name: "what both hosts share imports no module of the machine",
    holdsFor: isShared,
    wrong: imports((name) => !MACHINE_MODULES.test(name)),
    planted: [["runtime/trace/a.ts", 'import { readFileSync } from "node:fs";']],
  },
  {
    name: "a product imports no test",
    holdsFor: (file) => file.startsWith("actors/"),
    wrong: imports((name) => !name.startsWith("test/")),
    planted: [["actors/etcd/a.ts", 'import { x } from "../../test/fixtures/until.ts";']],
  },
  {
    name: "no actor imports another actor",
    holdsFor: (file) => ![undefined, "cluster"].includes(actorOf(file)),
    wrong: imports((name, file) => [undefined, "client", actorOf(file)].includes(actorOf(name))),
    planted: [["actors/etcd/etcd.ts", 'import { x } from "../kubelet/kubelet.ts";']],
  },
  {
    name: "a core imports protocols, its own core and pure libraries only",
    holdsFor: isCore,
    wrong: imports(
      (name, file) =>
        name.startsWith("protocols/") ||
        name.startsWith(`actors/${actorOf(file)}/core/`) ||
        PURE_LIBRARIES.includes(name),
    ),
    planted: [
      ["actors/etcd/core/raft.ts", 'import type { Clock } from "../../../runtime/clock.ts";'],
      ["actors/etcd/core/raft.ts", 'import type { X } from "../etcd.ts";'],
      ["actors/etcd/core/deep/down.ts", 'import { readFile } from "node:fs/promises";'],
    ],
  },
  {
    name: "a core neither waits nor promises",
    holdsFor: isCore,
    wrong: ({ text }) => /\b(?:await|async|Promise)\b/.exec(text) ?? [],
    planted: [["actors/etcd/core/raft.ts", "export async function f() {}"]],
  },
  {
    name: "only io/ imports modules of the machine",
    holdsFor: (file) => file.startsWith("actors/") && !mayTouchMachine(file),
    wrong: imports((name) => !MACHINE_MODULES.test(name)),
    planted: [
      ["actors/etcd/etcd.ts", 'import { readFile } from "node:fs/promises";'],
      ["actors/etcd/etcd.ts", 'const fs = await import("node:fs");'],
    ],
  },
  {
    name: "actors and protocols take clock, timers, random and the rest from their context",
    holdsFor: (file) => /^(actors|protocols)\//.test(file) && !mayTouchMachine(file),
    wrong: ambient,
    planted: [
      ["actors/etcd/etcd.ts", "const now = Date.now();"],
      ["actors/etcd/etcd.ts", "setTimeout(() => {}, 1);"],
      ["actors/etcd/core/raft.ts", "const x = Math.random();"],
      ["protocols/a.ts", "const now = new Date();"],
    ],
  },
];

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
    expect(sources.flatMap(({ imports: names }) => names).length).toBeGreaterThan(200);
  });

  it.each(RULES)("$name", ({ holdsFor, wrong }) => {
    const held = sources.filter(({ file }) => holdsFor(file));
    expect(held.length, "files that the rule holds for").toBeGreaterThan(5);
    expect(held.flatMap((source) => wrong(source).map((what) => `${source.file}: ${what}`))).toEqual([]);
  });

  it.each(RULES)("$name: a violation is found", ({ holdsFor, wrong, planted }) => {
    expect(planted.length).toBeGreaterThan(0);
    for (const [file, text] of planted) {
      expect(holdsFor(file), file).toBe(true);
      expect(wrong(parse(file, text)), text).toHaveLength(1);
    }
  });

  it("hold every file of the runtime that is not a host's", () => {
    const shared = sources.filter(({ file }) => isShared(file)).map(({ file }) => file);
    for (const name of ["cell", "incoming", "outgoing", "mailbox", "gate", "link"])
      expect(shared).toContain(`runtime/${name}.ts`);
    const hosts = sources.filter(({ file }) => /^runtime\/(threads|simulation)\//.test(file));
    const runtime = sources.filter(({ file }) => file.startsWith("runtime/"));
    expect(shared.length + hosts.length + 1).toBe(runtime.length);
  });

  it("take prose for prose", () => {
    const source = parse("actors/etcd/etcd.ts", "/** Never Date.now(). */\n// setTimeout\nexport const x = 1;");
    expect(RULES.filter(({ holdsFor }) => holdsFor(source.file)).flatMap(({ wrong }) => wrong(source))).toEqual([]);
  });
});
