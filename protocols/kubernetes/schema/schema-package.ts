/**
 * How the field tables of this folder are written. A type is a text of one line a field, read when the type is first
 * asked for, so that loading the tables costs nothing:
 *
 *     name[?|~|!] NUMBER TYPE [patch=STRATEGY] [key=MERGE_KEY] [list=map:KEY,…|set|atomic] [map=atomic|granular] [default=JSON]
 *     = NUMBER TYPE          the fields of TYPE belong to this object; in protobuf they are a message of their own
 *     | NUMBER TYPE          one of the forms that a value of this type takes in JSON; a type has only such lines, or none
 *     !kind                  the object carries apiVersion and kind
 *     !atomic                server-side apply treats it as one value
 *
 * `?` is optional and left out when empty, `~` optional and never left out, `!` required but left out when empty, none of
 * them required and never left out. NUMBER is the protobuf field (0: no protobuf form). TYPE is a scalar (`string bool int32
 * int64 float64 bytes Time MicroTime Quantity IntOrString FieldsV1 RawExtension JSON`), an enum or a type of this package, or
 * one of another as `meta.ObjectMeta`; `*` before it says that "absent" differs from zero, `[]` a list, `map:` a map from
 * strings. Lists of a kind (`PodList`) are not written down: they are all `metadata? 1 meta.ListMeta`, `items 2 []Pod`.
 *
 * `node .ci/generate.mjs` writes the folder `types/` from these tables.
 */
export interface SchemaPackage {
  /** By which other packages refer to its types: `core`. */
  readonly name: string;
  /** `v1`, `apps/v1` */
  readonly apiVersion: string;
  /** `io.k8s.api.core.v1`: the names of the OpenAPI components begin with it. */
  readonly openApiPrefix: string;
  /** Strings that take only these values, separated by `|`. */
  readonly enums: Readonly<Record<string, string>>;
  /** Strings with known values that take others, too. */
  readonly openEnums: Readonly<Record<string, string>>;
  readonly types: Readonly<Record<string, string>>;
}
