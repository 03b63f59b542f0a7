/** What kube-apiserver 1.37 made of each answer is in `test/conformance/conversion/answers.json`. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { conversionReview, readConversion } from "../../../../../actors/api-server/core/webhooks/conversion-review.ts";
import { readReply } from "../../../../../actors/api-server/core/webhooks/reply.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import type { AskedReview } from "../../../../conformance/conversion-case.mjs";
import { ANSWERS, GROUP, KIND } from "../../../../conformance/conversion-case.mjs";

interface Recorded {
  readonly status: number;
  readonly body: KubernetesObject & { readonly message?: string; readonly spec?: unknown };
}

const recorded = JSON.parse(
  readFileSync(new URL("../../../../conformance/conversion/answers.json", import.meta.url), "utf8"),
) as Readonly<Record<string, Recorded>>;

const object = {
  apiVersion: `${GROUP}/v1`,
  kind: KIND,
  metadata: {
    name: "a",
    namespace: "default",
    uid: "OBJECT",
    generation: 1,
    creationTimestamp: "CREATED",
    labels: { tier: "old" },
  },
  spec: { hostPort: "h:1" },
} as KubernetesObject;
const request = { uid: "REVIEW", desiredAPIVersion: `${GROUP}/v2`, objects: [object] };

function answered(name: string, asked = request): ReturnType<typeof readConversion> {
  const answer = ANSWERS[name];
  if (answer === undefined) throw new Error(`there is no answer ${name}`);
  const review = JSON.parse(conversionReview("v1", asked)) as AskedReview;
  const { code = 200, type = "application/json", body = "" } = answer(review);
  return readConversion("v1", asked, { code, type, body });
}

describe("readReply", () => {
  it.each([200, 206])("reads what comes with status %d", (code) => {
    expect(readReply({ code, type: "application/json", body: '{"a":1}' })).toEqual({ value: { a: 1 } });
  });

  // As client-go's `transformResponse`.
  it.each([199, 207, 302])("takes %d for a failure", (code) => {
    const why = `the server responded with the status code ${code} but did not return more information`;
    expect(readReply({ code, type: "application/json", body: '{"a":1}' })).toEqual({ error: why });
  });
});

describe("readConversion", () => {
  const refused = Object.entries(recorded).filter(([, { status }]) => status !== 200);
  it.each(refused)("refuses in Kubernetes' words: %s", (name, { body: { message = "" } }) => {
    const why = message.slice(message.indexOf("revision=")).replace(/^revision=\d+: /, "");
    // An object that is told whole has its own times and managers.
    const cut = (text: string | undefined): string | undefined => text?.replace(/(is missing in ').*/, "$1");
    expect(cut(answered(name).error)).toBe(cut(why));
  });

  const taken = Object.entries(recorded).filter(([, { status }]) => status === 200);
  it.each(taken)("takes, before its schema prunes it: %s", (name, { body }) => {
    const { value, error } = answered(name);
    expect(error).toBeUndefined();
    expect(value?.[0]?.metadata).toEqual(body.metadata);
    if (!["a field that its schema does not know", "a null that may not be"].includes(name))
      expect(value?.[0]).toEqual(body);
  });

  it("says of several objects which one is wrong", () => {
    const two = { ...request, objects: [object, { ...object, metadata: { ...object.metadata, name: "b" } }] };
    expect(answered("another name", two).error).toBe(
      `conversion webhook for ${GROUP}/v1, Kind=Thing returned invalid converted object at index 0: must have the same name: a != b`,
    );
    expect(answered("no objects", two).error).toContain("returned 0 objects, expected 2");
    expect(answered("as it should", two)).toMatchObject({
      value: [{ metadata: { name: "a" } }, { metadata: { name: "b" } }],
    });
  });

  it("leaves the object that was asked about as it was", () => {
    const before = JSON.stringify(object);
    answered("labels and annotations that are new");
    expect(JSON.stringify(object)).toBe(before);
  });
});
