/** What the expressions of admission policies and webhooks may name, and what they must give. Source: apiserver `pkg/admission/plugin/cel/compile.go`. */
import type { Compiled } from "../../cel/compile.ts";
import type { Pace, Steps } from "../../steps.ts";
import { compileCel } from "../../cel/compile.ts";
import type { Overloads } from "../../cel/overloads.ts";
import { BASE_OVERLOADS, withOverloads } from "../../cel/overloads.ts";
import type { CelEnvironment } from "../../cel/type-check.ts";
import { STRING_MAP, structFields } from "../../cel/type-check.ts";
import type { CelType } from "../../cel/types.ts";
import {
  BOOL_TYPE,
  DYN_TYPE,
  INT_TYPE,
  STRING_TYPE,
  UNSPECIFIED_TYPE,
  fullTypeName,
  listType,
  mapType,
  namedType,
  sameType,
  structType,
} from "../../cel/types.ts";

export interface PolicyScope {
  readonly params: boolean;
  readonly authorizer: boolean;
  /** Whether objects and patches can be made. */
  readonly patches?: boolean;
  /** The types of the policy's own variables so far; absent where there are none to name. */
  readonly variables?: ReadonlyMap<string, CelType>;
}

const TIMESTAMP = namedType("timestamp");
const STRINGS = listType(STRING_TYPE);

type Fields = (field: string) => CelType | undefined;

const STRUCTS: Readonly<Record<string, Fields>> = {
  "kubernetes.GroupVersionKind": structFields({ group: STRING_TYPE, version: STRING_TYPE, kind: STRING_TYPE }),
  "kubernetes.GroupVersionResource": structFields({ group: STRING_TYPE, version: STRING_TYPE, resource: STRING_TYPE }),
  "kubernetes.UserInfo": structFields({
    username: STRING_TYPE,
    uid: STRING_TYPE,
    groups: STRINGS,
    extra: mapType(STRING_TYPE, STRINGS),
  }),
  "kubernetes.AdmissionRequest": structFields({
    kind: structType("kubernetes.GroupVersionKind"),
    resource: structType("kubernetes.GroupVersionResource"),
    subResource: STRING_TYPE,
    requestKind: structType("kubernetes.GroupVersionKind"),
    requestResource: structType("kubernetes.GroupVersionResource"),
    requestSubResource: STRING_TYPE,
    name: STRING_TYPE,
    namespace: STRING_TYPE,
    operation: STRING_TYPE,
    userInfo: structType("kubernetes.UserInfo"),
    dryRun: BOOL_TYPE,
    options: DYN_TYPE,
  }),
  "kubernetes.NamespaceSpec": structFields({ finalizers: STRINGS }),
  "kubernetes.NamespaceCondition": structFields({
    status: STRING_TYPE,
    type: STRING_TYPE,
    lastTransitionTime: TIMESTAMP,
    message: STRING_TYPE,
    reason: STRING_TYPE,
  }),
  "kubernetes.NamespaceStatus": structFields({
    conditions: listType(structType("kubernetes.NamespaceCondition")),
    phase: STRING_TYPE,
  }),
  "kubernetes.NamespaceMetadata": structFields({
    name: STRING_TYPE,
    generateName: STRING_TYPE,
    namespace: STRING_TYPE,
    labels: STRING_MAP,
    annotations: STRING_MAP,
    UID: STRING_TYPE,
    creationTimestamp: TIMESTAMP,
    deletionGracePeriodSeconds: INT_TYPE,
    deletionTimestamp: TIMESTAMP,
    generation: INT_TYPE,
    resourceVersion: STRING_TYPE,
    finalizers: STRINGS,
  }),
  "kubernetes.Namespace": structFields({
    metadata: structType("kubernetes.NamespaceMetadata"),
    spec: structType("kubernetes.NamespaceSpec"),
    status: structType("kubernetes.NamespaceStatus"),
  }),
};

const AUTHORIZATION = "kubernetes.authorization";
const VARIABLES = "kubernetes.variables";
const PATCH_OVERLOADS: Overloads = withOverloads(BASE_OVERLOADS, "jsonpatch.escapeKey(string): string");

export const OBJECT_TYPE: CelType = structType("Object");
export const PATCHES_TYPE: CelType = listType(structType("JSONPatch"));

function environmentOf({ params, authorizer, patches = false, variables }: PolicyScope): CelEnvironment {
  const known: [string, CelType][] = [
    ["object", DYN_TYPE],
    ["oldObject", DYN_TYPE],
    ["namespaceObject", structType("kubernetes.Namespace")],
    ["request", structType("kubernetes.AdmissionRequest")],
  ];
  if (params) known.push(["params", DYN_TYPE]);
  if (authorizer) {
    known.push(["authorizer", structType(`${AUTHORIZATION}.Authorizer`)]);
    known.push(["authorizer.requestResource", structType(`${AUTHORIZATION}.ResourceCheck`)]);
  }
  if (variables !== undefined) known.push(["variables", structType(VARIABLES)]);
  return {
    variables: new Map(known),
    overloads: patches ? PATCH_OVERLOADS : BASE_OVERLOADS,
    bind: false,
    fieldsOf: (struct) => {
      if (struct === VARIABLES && variables !== undefined) return (field) => variables.get(field);
      if (patches && struct === "JSONPatch") return patchField;
      if (patches && (struct === "Object" || struct.startsWith("Object."))) return () => DYN_TYPE;
      return Object.hasOwn(STRUCTS, struct) ? STRUCTS[struct] : undefined;
    },
  };
}

function patchField(field: string): CelType {
  if (field === "value") return DYN_TYPE;
  return ["from", "op", "path"].includes(field) ? STRING_TYPE : UNSPECIFIED_TYPE;
}

/** @param wanted the types that it may give; all, when there are none */
export function* compileForPolicy(
  text: string,
  scope: PolicyScope,
  wanted: readonly CelType[],
  pace: Pace,
): Steps<Compiled> {
  const compiled = yield* compileCel(text, environmentOf(scope), pace);
  if ("problem" in compiled || wanted.length === 0 || wanted.some((type) => sameType(type, compiled.type)))
    return compiled;
  const names = wanted.map(fullTypeName);
  const may = names.length === 1 ? (names[0] ?? "") : `one of [${names.join(" ")}]`;
  return { problem: `must evaluate to ${may} but got ${fullTypeName(compiled.type)}` };
}
