/** What a CustomResourceDefinition makes a server serve: one resource for each served version, like those that are built in. */
import type { CustomResourceDefinition } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type {
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
} from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { ResourceInfo, SelectableField, SubresourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import { compareVersions } from "../../../../protocols/kubernetes/version-priority.ts";
import type { Served } from "../catalog/catalog.ts";
import type { ObjectForm } from "../catalog/form.ts";
import type { KindRules } from "../kinds/rules.ts";
import { columnsOf } from "./columns.ts";
import type { ConvertibleVersion, WebhookConversion } from "../webhooks/conversion.ts";
import { reviewVersion } from "../webhooks/conversion-review.ts";
import { coerced, customForm } from "./form.ts";
import { customRules } from "./rules.ts";
import type { SchemasByVersion, VersionSchema } from "./version-schema.ts";
import { KeptSchemas, schemaIn, schemasOf } from "./version-schema.ts";

/**
 * One for each served version, in the order of the definition. Those that are not the storage version have `stored` = the storage
 * version's, which is made even when it is not served itself; where a webhook converts, each stands for itself. The definition is
 * valid and has its defaults.
 * @param schemas of all its versions
 */
export function customServed(
  crd: CustomResourceDefinition,
  schemas: SchemasByVersion = schemasOf(crd.spec.versions, new KeptSchemas()),
): readonly Served[] {
  const { versions } = crd.spec;
  const storage = versions.find((version) => version.storage) ?? versions[0];
  if (storage === undefined) return [];
  if (crd.spec.conversion?.strategy === "Webhook") return convertedServed(crd, storage, schemas);
  const stored = new CustomStored(crd, storage, schemas);
  return versions
    .filter((version) => version.served)
    .map((version) => (version === storage ? stored : versionServed(crd, version, schemas, stored)));
}

function versionServed(
  crd: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
  schemas: SchemasByVersion,
  stored: CustomStored,
): Served {
  const info = infoOf(crd, version, stored.info.apiVersion);
  const schema = schemaIn(schemas, version);
  const storage = { info: stored.info, schema: stored.schema };
  const rules = customRules(info, version, schemas, storage, deprecation(crd, version));
  const own = new CustomStored(crd, version, schemas);
  return { info, form: customForm(info, schema, schemas), rules, stored, own, ...openApiOf(crd, version) };
}

function convertedServed(
  crd: CustomResourceDefinition,
  storage: CustomResourceDefinitionVersion,
  schemas: SchemasByVersion,
): readonly Served[] {
  const { group, versions, conversion: { webhook } = {} } = crd.spec;
  const converted = new Map<string, ConvertibleVersion>();
  const conversion: WebhookConversion = {
    client: webhook?.clientConfig ?? {},
    reviewVersion: reviewVersion(webhook?.conversionReviewVersions ?? []) ?? "v1",
    storageApiVersion: `${group}/${storage.name}`,
    versions: converted,
  };
  return versions.flatMap((version) => {
    const served = new CustomStored(crd, version, schemas, conversion);
    const { info, schema } = served;
    converted.set(info.apiVersion, { served, coerce: (object) => coerced(info, schema.root, object) });
    return version.served ? [served] : [];
  });
}

class CustomStored implements Served {
  readonly info: ResourceInfo;
  readonly conversion?: WebhookConversion;
  readonly form: ObjectForm;
  readonly rules: KindRules;
  readonly openApiSchema: NonNullable<Served["openApiSchema"]>;
  readonly openApiRevision?: string;
  readonly schema: VersionSchema;

  constructor(
    crd: CustomResourceDefinition,
    version: CustomResourceDefinitionVersion,
    schemas: SchemasByVersion,
    conversion?: WebhookConversion,
  ) {
    const schema = schemaIn(schemas, version);
    const storage = conversion?.storageApiVersion;
    this.info = infoOf(crd, version, storage === `${crd.spec.group}/${version.name}` ? undefined : storage);
    this.form = customForm(this.info, schema, schemas);
    this.schema = schema;
    this.rules = customRules(this.info, version, schemas, { info: this.info, schema }, deprecation(crd, version));
    const { openApiSchema, openApiRevision } = openApiOf(crd, version);
    this.openApiSchema = openApiSchema;
    if (openApiRevision !== undefined) this.openApiRevision = openApiRevision;
    if (conversion !== undefined) this.conversion = conversion;
  }

  get stored(): Served {
    return this;
  }
}

/** undefined: the version is not deprecated. */
function deprecation({ spec }: CustomResourceDefinition, version: CustomResourceDefinitionVersion): string | undefined {
  const { name, deprecated, deprecationWarning } = version;
  if (deprecated !== true) return undefined;
  if (deprecationWarning !== undefined) return deprecationWarning;
  const [better] = spec.versions
    .filter((one) => one.served && one.deprecated !== true && compareVersions(one.name, name) < 0)
    .map((one) => one.name)
    .sort(compareVersions);
  const what = `${spec.group}/${name} ${spec.names.kind} is deprecated`;
  return better === undefined ? what : `${what}; use ${spec.group}/${better} ${spec.names.kind}`;
}

interface OpenApi {
  readonly openApiSchema: NonNullable<Served["openApiSchema"]>;
  readonly openApiRevision?: string;
}

function openApiOf({ metadata }: CustomResourceDefinition, { schema }: CustomResourceDefinitionVersion): OpenApi {
  const { uid, generation } = metadata ?? {};
  return {
    openApiSchema: { ...(schema?.openAPIV3Schema ?? { type: "object", "x-kubernetes-preserve-unknown-fields": true }) },
    ...(uid === undefined || generation === undefined ? {} : { openApiRevision: `${uid} ${generation}` }),
  };
}

/** As kube-apiserver has them: in no order that means anything. */
const VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
/** While the definition is being deleted, nothing new is taken. */
const TERMINATING_VERBS = ["delete", "deletecollection", "get", "list", "watch"];
const SUBRESOURCE_VERBS = ["get", "patch", "update"];

/** Those that it has been granted; before that, those that it asks for. */
function namesOf({ spec, status }: CustomResourceDefinition): CustomResourceDefinitionNames {
  const accepted = status?.acceptedNames;
  return accepted === undefined || accepted.plural === "" ? spec.names : accepted;
}

function infoOf(
  crd: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
  storageApiVersion: string | undefined,
): ResourceInfo {
  const { group, scope } = crd.spec;
  const { plural, singular, kind, listKind, shortNames = [], categories = [] } = namesOf(crd);
  const namespaced = scope === "Namespaced";
  const terminating = crd.status?.conditions?.some(({ type, status }) => type === "Terminating" && status === "True");
  return {
    group,
    version: version.name,
    apiVersion: `${group}/${version.name}`,
    resource: plural,
    singular: singular ?? kind.toLowerCase(),
    kind,
    ...(listKind === undefined || listKind === `${kind}List` ? {} : { listKind }),
    shortNames,
    categories,
    namespaced,
    verbs: terminating === true ? TERMINATING_VERBS : VERBS,
    ...(terminating === true ? { terminating } : {}),
    subresources: subresourcesOf(version, kind),
    columns: columnsOf(version),
    selectableFields: selectableFieldsOf(version, namespaced),
    storagePrefix: `/registry/${group}/${plural}`,
    ...(storageApiVersion === undefined ? {} : { storageApiVersion }),
    createOnUpdate: false,
    unconditionalUpdate: false,
    generation: true,
  };
}

function subresourcesOf({ subresources }: CustomResourceDefinitionVersion, kind: string): readonly SubresourceInfo[] {
  const found: SubresourceInfo[] = [];
  if (subresources?.status !== undefined) found.push({ name: "status", kind, verbs: SUBRESOURCE_VERBS });
  if (subresources?.scale !== undefined) {
    found.push({ name: "scale", kind: "Scale", apiVersion: "autoscaling/v1", verbs: SUBRESOURCE_VERBS });
  }
  return found;
}

function selectableFieldsOf(
  { selectableFields = [] }: CustomResourceDefinitionVersion,
  namespaced: boolean,
): readonly SelectableField[] {
  const standard = namespaced ? ["metadata.name", "metadata.namespace"] : ["metadata.name"];
  const own = selectableFields.map(({ jsonPath }) => jsonPath.replace(/^\./, ""));
  return [...standard, ...own].map((name) => ({ name, path: name.split(".") }));
}
