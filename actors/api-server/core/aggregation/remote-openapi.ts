/**
 * OpenAPI v2 of other servers, in the document of this one: what each has of its own version's paths, with what these name.
 * Source: kube-openapi `pkg/aggregator/aggregator.go`, kube-aggregator `pkg/controllers/openapi`.
 */
import { isTooDeep } from "../machinery/json.ts";
import { goValue } from "../machinery/go-text.ts";
import { equalJson, isJsonObject } from "../machinery/json-value.ts";
import type { Json } from "../machinery/openapi-schemas.ts";
import type { OpenApiV2Part, Piece } from "../machinery/openapi-v2.ts";
import { definitionPiece, parameterPiece, pathPiece } from "../machinery/openapi-v2.ts";
import { ProtobufWriter } from "../machinery/protobuf-writer.ts";

/** By name. */
type Members = Readonly<Record<string, Json>>;

export interface RemoteOpenApi {
  readonly paths: Members;
  readonly definitions: Members;
  readonly parameters: Members;
}

/** What a server tells of a version; undefined when its document is none. */
export function remoteOpenApi(document: unknown, group: string, version: string): RemoteOpenApi | undefined {
  if (!isJsonObject(document) || isTooDeep(document)) return undefined;
  const [paths, definitions, parameters] = ["paths", "definitions", "parameters"].map((name) =>
    membersOf(document[name]),
  );
  if (paths === undefined || definitions === undefined || parameters === undefined) return undefined;
  const below = `/apis/${group}/${version}/`;
  const whole = onlyPaths({ paths, definitions, parameters }, (path) => path.startsWith(below));
  return canBeWritten(whole) ? whole : undefined;
}

/** Whoever has written it, a member of another type than it should be costs no more than its own document. */
function canBeWritten(whole: RemoteOpenApi): boolean {
  try {
    const trial = new MergedOpenApi([], new ProtobufWriter());
    trial.add(whole);
    return trial.parts.length > 0;
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) return false;
    throw error;
  }
}

function membersOf(value: unknown): Members | undefined {
  if (value === undefined) return {};
  if (!isJsonObject(value)) return undefined;
  return Object.values(value).every(isJsonObject) ? (value as Members) : undefined;
}

/** With the paths that are wanted, and without the definitions that only the others have used. */
function onlyPaths(whole: RemoteOpenApi, isWanted: (path: string) => boolean): RemoteOpenApi {
  const paths = Object.fromEntries(Object.entries(whole.paths).filter(([path]) => isWanted(path)));
  const [before, after] = [usedBy(whole, whole.paths), usedBy(whole, paths)];
  const kept = Object.entries(whole.definitions).filter(([name]) => after.has(name) || !before.has(name));
  return { ...whole, paths, definitions: Object.fromEntries(kept) };
}

const DEFINITION = "#/definitions/";
const PARAMETER = "#/parameters/";

/** Names of definitions to which paths lead, also by way of others. */
function usedBy({ definitions, parameters }: RemoteOpenApi, paths: Members): ReadonlySet<string> {
  const used = new Set<string>();
  const walk = (value: unknown): void => {
    forEachReference(value, (reference) => {
      const name = reference.startsWith(DEFINITION) ? reference.slice(DEFINITION.length) : undefined;
      if (name === undefined || used.has(name)) return;
      used.add(name);
      walk(definitions[name]);
    });
  };
  walk(paths);
  walk(parameters);
  return used;
}

function forEachReference(value: unknown, told: (reference: string) => void): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, of] of Object.entries(value)) {
    if (key === "$ref" && typeof of === "string") told(of);
    else forEachReference(of, told);
  }
}

/** Every reference as `renamed` has it. */
function withReferences(value: unknown, renamed: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => withReferences(item, renamed));
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([key, of]) => {
    if (key === "$ref" && typeof of === "string") return [key, renamed.get(of) ?? of];
    return [key, withReferences(of, renamed)];
  });
  return Object.fromEntries(entries) as Json;
}

const KINDS = "x-kubernetes-group-version-kind";

function sameButForKinds(a: Json, b: Json): boolean {
  const { [KINDS]: _a, ...one } = a;
  const { [KINDS]: _b, ...other } = b;
  return equalJson(one, other);
}

/** Both lists in one and in order; undefined when the second adds nothing. */
function joinedKinds(a: Json, b: Json): readonly unknown[] | undefined {
  const keyOf = (kind: unknown): string => {
    const { group, version, kind: name } = isJsonObject(kind) ? kind : {};
    return `${goValue(group)}/${goValue(version)}.${goValue(name)}`;
  };
  const list = (of: Json): readonly unknown[] => (Array.isArray(of[KINDS]) ? (of[KINDS] as readonly unknown[]) : []);
  const joined = new Map([...list(b), ...list(a)].map((kind) => [keyOf(kind), kind]));
  if (joined.size === list(a).length) return undefined;
  return [...joined].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, kind]) => kind);
}

/** Documents in one, of which those that came first keep their names. */
export class MergedOpenApi {
  private readonly writer: ProtobufWriter;
  private readonly own: readonly OpenApiV2Part[];
  private readonly paths = new Map<string, Piece>();
  private readonly definitions = new Map<string, Json>();
  private readonly parameters = new Map<string, Json>();

  constructor(own: readonly OpenApiV2Part[], writer: ProtobufWriter) {
    this.own = own;
    this.writer = writer;
  }

  /** What is in it by now: what is behind counts less. */
  get parts(): readonly OpenApiV2Part[] {
    const pieces = (of: ReadonlyMap<string, Json>, make: typeof definitionPiece): ReadonlyMap<string, Piece> =>
      new Map([...of].map(([name, value]) => [name, make(this.writer, name, value)]));
    const definitions = pieces(this.definitions, definitionPiece);
    return [{ paths: this.paths, definitions, parameters: pieces(this.parameters, parameterPiece) }, ...this.own];
  }

  add(remote: RemoteOpenApi): void {
    const wanted = onlyPaths(remote, (path) => !this.hasPath(path));
    if (Object.keys(wanted.paths).length === 0) return;
    const references = new Map<string, string>();
    const names = (members: Members, find: (name: string) => Json | undefined, prefix: string): Map<string, string> =>
      new Map(
        Object.entries(members).map(([name, value]) => {
          const chosen = freeName(name, value, find, members);
          if (chosen !== name) references.set(prefix + name, prefix + chosen);
          return [name, chosen];
        }),
      );
    const definitions = names(wanted.definitions, (name) => this.definition(name), DEFINITION);
    const parameters = names(wanted.parameters, (name) => this.parameters.get(name), PARAMETER);
    for (const [name, chosen] of definitions) {
      this.take(chosen, withReferences(wanted.definitions[name], references) as Json);
    }
    for (const [name, chosen] of parameters) {
      this.parameters.set(chosen, withReferences(wanted.parameters[name], references) as Json);
    }
    for (const [path, item] of Object.entries(wanted.paths)) {
      this.paths.set(path, pathPiece(this.writer, path, withReferences(item, references) as Json));
    }
  }

  private hasPath(path: string): boolean {
    return this.paths.has(path) || this.own.some(({ paths }) => paths.has(path));
  }

  private definition(name: string): Json | undefined {
    const added = this.definitions.get(name);
    if (added !== undefined) return added;
    const text = this.own.find(({ definitions }) => definitions.has(name))?.definitions.get(name)?.json;
    return text === undefined ? undefined : (JSON.parse(`{${text}}`) as Members)[name];
  }

  private take(name: string, value: Json): void {
    const present = this.definition(name);
    if (present === undefined) this.definitions.set(name, value);
    else {
      const kinds = joinedKinds(present, value);
      if (kinds !== undefined) this.definitions.set(name, { ...present, [KINDS]: kinds });
    }
  }
}

/** The name under which something is to be had: its own, or one of its own with a number, when that is another thing's. */
function freeName(name: string, value: Json, find: (name: string) => Json | undefined, beside: Members): string {
  let chosen = name;
  for (let i = 2; ; i++) {
    const present = find(chosen);
    if (present !== undefined && sameButForKinds(present, value)) return chosen;
    if (present === undefined && (chosen === name || beside[chosen] === undefined)) return chosen;
    chosen = `${name}_v${i}`;
  }
}
