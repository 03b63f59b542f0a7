/** Answers in YAML, held against a parser of YAML 1.1 and 1.2. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { toYaml } from "../../../../../actors/api-server/core/machinery/yaml-text.ts";

const SPECIAL = [
  "true",
  "No",
  "~",
  "null",
  "1e3",
  "0x1f",
  "1:30",
  ".inf",
  "a: b",
  "a #b",
  "- a",
  "a:",
  "a ",
  "",
  "=",
  "<<",
];
const strings = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(...SPECIAL),
  fc.stringMatching(/^[a-zA-Z0-9 :#\-?.,'"{}[\]&*!|>%@`\\\n\t]{0,12}$/),
);

describe("a value as YAML", () => {
  it("is read as it was, by YAML 1.1 and 1.2", () => {
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.oneof(strings, fc.integer(), fc.boolean(), fc.constant(null)),
        fc.array(tie("tree"), { maxLength: 4 }),
        fc.dictionary(strings, tie("tree"), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        const text = toYaml(value);
        for (const version of ["1.1", "1.2"] as const) {
          expect(parse(text, { version, merge: false, uniqueKeys: false })).toEqual(value);
        }
      }),
    );
  });

  it("stands as Kubernetes writes it: lists below their key, what is plain without quotes", () => {
    const pod = {
      kind: "Pod",
      metadata: { labels: {}, name: "a", creationTimestamp: "2026-01-01T00:00:00Z" },
      spec: { containers: [{ image: "docker.io/nginx:1.27", args: ["--a=b", "on"], ports: [{ containerPort: 80 }] }] },
    };
    expect(toYaml(pod)).toBe(`kind: Pod
metadata:
  labels: {}
  name: a
  creationTimestamp: "2026-01-01T00:00:00Z"
spec:
  containers:
  - image: docker.io/nginx:1.27
    args:
    - "--a=b"
    - "on"
    ports:
    - containerPort: 80
`);
  });

  it("marks a key that is longer than a parser looks for one", () => {
    const value = { ["k".repeat(3_000)]: { a: [1] } };
    expect(parse(toYaml(value))).toEqual(value);
  });
});
