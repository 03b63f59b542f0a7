/** What users type and write into files: it is read, or refused with a code that says what it was. fast-check prints the seed of a failure. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { readConnection } from "../../../../actors/cluster/cli/kubeconfig-file.ts";
import { ETCD, KUBE_APISERVER } from "../../../../actors/cluster/envtest/command-lines.ts";
import { parseFlags } from "../../../../actors/cluster/envtest/flags.ts";
import { parseManifest } from "../../../../actors/cluster/manifest.ts";
import { InkubeError } from "../../../../protocols/errors.ts";
import { FEW_RUNS, hostileJson, hostileText, RUNS } from "../api-server/fuzz/hostile.ts";

/** @returns what was read; undefined: it was refused */
function readOrRefused<T>(code: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    expect(error).toBeInstanceOf(InkubeError);
    expect(error).toMatchObject({ code });
    return undefined;
  }
}

describe("command lines of the drop-in for envtest", () => {
  const words = hostileText(["--", "-", "=", "etcd-servers", "secure-port", "feature-gates", "help", "data-dir", ","]);

  it.each([ETCD, KUBE_APISERVER])("are read or refused: $program", (line) => {
    fc.assert(
      fc.property(fc.array(words, { maxLength: 6 }), (given) => {
        const flags = readOrRefused("INVALID_ARGUMENT", () => parseFlags(line, given));
        for (const told of flags?.unhonoured ?? []) expect(told).toMatch(/^--.* is not honoured: /s);
      }),
      RUNS,
    );
  });
});

describe("a kubeconfig", () => {
  let directory = "";
  beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), "inkube-fuzz-"))));
  afterAll(() => rmSync(directory, { recursive: true }));

  const names = ["clusters", "users", "contexts", "current-context", "name", "cluster", "user", "context", "server"];
  const more = ["token", "certificate-authority-data", "client-certificate", "client-key-data", "tokenFile"];

  function read(text: string): void {
    const path = join(directory, "config");
    writeFileSync(path, text);
    const found = readOrRefused("INVALID_KUBECONFIG", () => readConnection(path));
    if (found !== undefined) expect(found.server).toEqual(expect.any(String));
  }

  it("of any text is read or refused", () => {
    fc.assert(fc.property(hostileText([...names, ...more, ": ", "\n", "- ", "  ", "{", "}", "&a", "*a"]), read), RUNS);
  });

  it("of any form is read or refused", () => {
    fc.assert(
      fc.property(hostileJson([...names, ...more]), (value) => read(stringify(value) ?? "")),
      FEW_RUNS,
    );
  });

  it("whose entries are of any form is read or refused", () => {
    const entry = hostileJson([...names, ...more]);
    fc.assert(
      fc.property(entry, entry, entry, (cluster, user, context) => {
        read(
          stringify({
            "current-context": "a",
            contexts: [{ name: "a", context: { cluster: "a", user: "a", ...(context as object) } }],
            clusters: [{ name: "a", cluster }],
            users: [{ name: "a", user }],
          }),
        );
      }),
      FEW_RUNS,
    );
  });
});

describe("a manifest", () => {
  const names = ["apiVersion", "kind", "metadata", "name", "items", "List", "v1", "Pod", "spec"];

  function read(text: string): void {
    const objects = readOrRefused("INVALID_MANIFEST", () => parseManifest(text));
    for (const { kind, apiVersion } of objects ?? [])
      expect([typeof kind, typeof apiVersion]).toEqual(["string", "string"]);
  }

  it("of any text is read or refused", () => {
    const signs = [
      ": ",
      "\n",
      "---\n",
      "...\n",
      "- ",
      "  ",
      "{",
      "}",
      "[",
      "&a ",
      "*a",
      "<<: ",
      "!!set ",
      "? ",
      "|",
      "%YAML 1.1\n",
    ];
    fc.assert(fc.property(hostileText([...names, ...signs]), read), RUNS);
  });

  it("of documents of any form is read or refused", () => {
    fc.assert(
      fc.property(fc.array(hostileJson(names), { maxLength: 3 }), (documents) =>
        read(documents.map((each) => `---\n${stringify(each) ?? ""}`).join("\n")),
      ),
      FEW_RUNS,
    );
  });

  it("of lists in lists of any form is read or refused", () => {
    const list = (items: unknown): unknown => ({ apiVersion: "v1", kind: "List", items });
    fc.assert(
      fc.property(hostileJson(names), (items) => read(JSON.stringify(list([list(items), items])))),
      FEW_RUNS,
    );
  });
});
