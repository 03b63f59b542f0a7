/** The `labelSelector` and `fieldSelector` parameters, with Kubernetes' 400 for what it does not understand. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ResourceInfo, SelectableField } from "../../../../protocols/kubernetes/resources.ts";
import type { LabelRequirement } from "../../../../protocols/kubernetes/selectors.ts";
import { SelectorSyntaxError, parseLabelSelector } from "../../../../protocols/kubernetes/selectors.ts";
import { badRequest } from "./status.ts";

/** Which objects a list or watch wants. */
export interface Selection {
  /** Neither selector narrows anything. */
  readonly everything: boolean;
  readonly matches: (object: KubernetesObject) => boolean;
  /** Fields that must equal one value, such as `metadata.name` or `spec.nodeName`: what a cache can be indexed by. */
  readonly exact: ReadonlyMap<string, string>;
  /** What the labels must meet, by which a cache can be indexed as well. */
  readonly labels?: readonly LabelRequirement[];
}

/**
 * @param isCustom whether a definition says by what fields it is selected
 * @throws Status 400 for bad syntax, or a field that `resource` can't be selected by
 */
export function compileSelection(
  resource: ResourceInfo,
  labelSelector: string | undefined,
  fieldSelector: string | undefined,
  isCustom: boolean = false,
): Selection {
  const labels = compileLabels(labelSelector);
  const fields = fieldSelector
    ? compileFields(resource, fieldSelector, isCustom)
    : { exact: new Map(), matches: undefined };
  const matchesFields = fields.matches;
  const tests = [labels?.matches, matchesFields].filter((test) => test !== undefined);
  const [first, second] = tests;
  return {
    everything: tests.length === 0,
    exact: fields.exact,
    ...(labels === undefined ? {} : { labels: labels.requirements }),
    matches:
      first === undefined ? () => true : second === undefined ? first : (object) => first(object) && second(object),
  };
}

type Test = (object: KubernetesObject) => boolean;

function compileLabels(
  text: string | undefined,
): { readonly requirements: readonly LabelRequirement[]; readonly matches: Test } | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  try {
    const { requirements, matches } = parseLabelSelector(text);
    if (requirements.length === 0) return undefined;
    return { requirements, matches: (object) => matches(object.metadata?.labels) };
  } catch (error) {
    if (error instanceof SelectorSyntaxError) throw badRequest(error.message);
    throw error;
  }
}

interface FieldRequirement {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

function compileFields(
  resource: ResourceInfo,
  text: string,
  isCustom: boolean,
): { readonly exact: ReadonlyMap<string, string>; readonly matches: Test | undefined } {
  const requirements = parseFieldSelector(text);
  const exact = new Map<string, string>();
  const tests: Test[] = [];
  for (const { field, equal, value } of requirements) {
    const selectable = resource.selectableFields.find(({ name }) => name === field);
    if (selectable === undefined) throw badRequest(isCustom ? unsupported(field) : unknownField(resource, field));
    if (equal) exact.set(field, value);
    tests.push((object) => (fieldValue(object, selectable) === value) === equal);
  }
  return { exact, matches: tests.length === 0 ? undefined : (object) => tests.every((test) => test(object)) };
}

/** Kinds with fields of their own say it in other words than those that can only be selected by name. */
function unknownField(resource: ResourceInfo, field: string): string {
  const { apiVersion, kind } = resource;
  if (kind === "Job") return `field label ${JSON.stringify(field)} not supported for Job`;
  if (kind === "ResourceSlice") return `field label not supported for ${apiVersion}, Kind=${kind}: ${field}`;
  if (resource.selectableFields.some(({ name }) => !name.startsWith("metadata."))) {
    return unsupported(field);
  }
  return `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`;
}

function unsupported(field: string): string {
  return `field label not supported: ${field}`;
}

/** The value of a selectable field as field selectors compare it: a text, also of numbers and booleans. */
export function fieldValue(object: KubernetesObject, { path, absent = "" }: SelectableField): string {
  let at: unknown = object;
  for (const step of path) {
    if (typeof at !== "object" || at === null) return absent;
    at = (at as Readonly<Record<string, unknown>>)[step];
    if (Array.isArray(at)) at = at[0];
  }
  if (typeof at === "string") return at;
  return typeof at === "number" || typeof at === "boolean" ? String(at) : absent;
}

/** `a=b,c!=d` with `\,`, `\=` and `\\` as escapes (apimachinery `fields.ParseSelector`). */
function parseFieldSelector(text: string): readonly FieldRequirement[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === ",") {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(text.slice(start));
  return terms
    .filter((term) => term !== "")
    .map((term) => {
      const split = splitTerm(term);
      if (split === undefined) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
      return { field: split.field, equal: split.equal, value: unescapeValue(split.value) };
    });
}

function splitTerm(term: string): FieldRequirement | undefined {
  for (let i = 0; i < term.length; i++) {
    if (term[i] === "\\") {
      i++;
      continue;
    }
    const rest = term.slice(i);
    if (rest.startsWith("!=")) return { field: term.slice(0, i), equal: false, value: rest.slice(2) };
    if (rest.startsWith("==")) return { field: term.slice(0, i), equal: true, value: rest.slice(2) };
    if (rest.startsWith("=")) return { field: term.slice(0, i), equal: true, value: rest.slice(1) };
  }
  return undefined;
}

function unescapeValue(value: string): string {
  let result = "";
  for (let i = 0; i < value.length; i++) {
    const char = value[i];
    if (char === "\\") {
      const next = value[i + 1];
      if (next !== "\\" && next !== "," && next !== "=") {
        throw badRequest(`invalid field selector: invalid escape sequence: \\${next ?? ""}`);
      }
      result += next;
      i++;
    } else if (char === "," || char === "=") {
      throw badRequest(`invalid field selector: unescaped character in value: ${value.charCodeAt(i)}`);
    } else result += char;
  }
  return result;
}
