/** What objects of a kind look like, whether a field table or the schema of a CustomResourceDefinition says so. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { TypeRef } from "../../../../protocols/kubernetes/schema/schema.ts";
import { findType } from "../../../../protocols/kubernetes/schema/schema.ts";
import type { Decoded, ExpectedKind, FieldValidation } from "../machinery/decode-object.ts";
import { decodeObject } from "../machinery/decode-object.ts";
import type { JsonBody } from "../machinery/json.ts";
import { CreatedFields } from "../managed-fields/created-fields.ts";
import type { Structure } from "../structure/structure.ts";
import { structureOfType } from "../structure/type-structure.ts";

export interface ObjectForm extends ExpectedKind {
  /** Where merge keys of strategic merge patches are found; without it there are no such patches. */
  readonly type: TypeRef | undefined;
  /** How its parts are merged and owned. */
  readonly structure: Structure;
  /** What an object is before anything has been said of it: what is in here, nobody owns for having created it. */
  readonly empty: KubernetesObject;
  /** Who owns what of those that are created. */
  readonly created: CreatedFields;
  /** @throws Status 400, as `decodeObject` */
  decode(body: JsonBody, fieldValidation: FieldValidation): Decoded;
}

/** Of a kind that has a field table. */
export function builtInForm({ apiVersion, kind }: ExpectedKind): ObjectForm {
  const expected = { apiVersion, kind };
  const type = findType(apiVersion, kind);
  let empty: KubernetesObject | undefined;
  return {
    ...expected,
    type,
    structure: structureOfType(type),
    created: new CreatedFields(),
    get empty() {
      return (empty ??= decodeObject(expected, { value: expected, duplicates: [] }, "Ignore").object);
    },
    decode: (body, fieldValidation) => decodeObject(expected, body, fieldValidation),
  };
}

/** What `scale` of any resource speaks. */
export const SCALE_FORM: ObjectForm = builtInForm({ apiVersion: "autoscaling/v1", kind: "Scale" });
