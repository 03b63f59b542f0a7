/** The last stage of every request, by whichever door it came: its verb on its target. */
import type {
  DeleteOptions,
  KubernetesObject,
  ListOptions,
  PatchType,
  WriteOptions,
} from "../../protocols/api-server.ts";
import type { Binding } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Applies } from "./applies.ts";
import type { Served } from "./core/catalog/catalog.ts";
import type { ObjectForm } from "./core/catalog/form.ts";
import { builtInForm, SCALE_FORM } from "./core/catalog/form.ts";
import type { Decoded, FieldValidation } from "./core/machinery/decode-object.ts";
import type { JsonBody } from "./core/machinery/json.ts";
import { APPLY_TYPE } from "./core/machinery/patch/apply-patch.ts";
import { methodNotAllowed, noSuchResource, notFound } from "./core/machinery/status.ts";
import { ownedOnce } from "./core/registry/owners.ts";
import type { Answer, Eviction } from "./core/registry/answers.ts";
import { answerOf, plainAnswer, warnedError, withWarnings } from "./core/registry/answers.ts";
import { managedAfterUpdate } from "./core/managed-fields/field-manager.ts";
import { withManagedFields, writeOfForm } from "./core/registry/field-writes.ts";
import type { Fields } from "./core/kinds/rules.ts";
import { finished } from "./core/steps.ts";
import { withExpiration } from "./core/tokens/token-request.ts";
import type { WriteKind } from "./core/rest/options.ts";
import type { Target } from "./core/rest/target.ts";
import type { Lists, ObjectList } from "./lists.ts";
import type { LiveKinds } from "./live-objects.ts";
import type { ObjectPlace } from "./core/registry/place.ts";
import type { Registry, RequestScope } from "./registry.ts";
import { checkNamespace, checkSentVersion } from "./core/registry/place.ts";
import type { Subresources } from "./subresources.ts";
import type { Tokens } from "./tokens.ts";

/** What a door reads from its request once the verb calls for it. Each throws a Status for what it can't make sense of. */
export interface Input {
  writeOptions(kind: WriteKind): WriteOptions & { readonly fieldValidation: FieldValidation };
  deleteOptions(): DeleteOptions;
  listOptions(): ListOptions;
  /** Of a `get`. */
  resourceVersion(): string | undefined;
  /** Of a `get`: the older revision that it is answered from; absent or undefined: none. */
  atRevision?(): number | undefined;
  /** A promise of what is large: reading it takes a turn of its own. */
  body(form: ObjectForm, validation: FieldValidation): Decoded | Promise<Decoded>;
  patch(): { readonly type: PatchType; readonly patch: unknown };
  /** Of a patch of the type of server-side apply; a promise as of `body`. */
  configuration(): JsonBody | Promise<JsonBody>;
  patchType(): PatchType;
  /** Nobody waits for the answer any more. */
  abandoned(): boolean;
}

export interface Call {
  readonly scope: RequestScope;
  readonly target: Target;
  readonly input: Input;
}

const BINDING = builtInForm({ apiVersion: "v1", kind: "Binding" });
const EVICTION = builtInForm({ apiVersion: "policy/v1", kind: "Eviction" });
const TOKEN_REQUEST = builtInForm({ apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest" });

export class Dispatch {
  private readonly tokens: Tokens;
  private readonly registry: Registry;
  private readonly applies: Applies;
  private readonly subresources: Subresources;
  private readonly lists: Lists;
  private readonly live: LiveKinds;

  constructor(
    registry: Registry,
    applies: Applies,
    subresources: Subresources,
    lists: Lists,
    tokens: Tokens,
    live: LiveKinds,
  ) {
    this.tokens = tokens;
    this.registry = registry;
    this.applies = applies;
    this.subresources = subresources;
    this.lists = lists;
    this.live = live;
  }

  list({ scope, target, input }: Call): Promise<ObjectList> {
    const { served, namespace } = target;
    const { live } = served.rules;
    const lists = live === undefined ? this.lists : this.live[live];
    return lists.list(scope, served, namespace, input.listOptions());
  }

  /** Answers with what it has deleted. */
  async deleteCollection({ scope, target, input }: Call): Promise<ObjectList> {
    const options = input.deleteOptions();
    const found = await this.lists.list(scope, target.served, target.namespace, input.listOptions());
    await this.registry.deleteAll(scope, target.served, found.items, options, () => input.abandoned());
    return found;
  }

  async get({ scope, target, input }: Call): Promise<Answer> {
    const { served, subresource } = target;
    if (subresource?.name === "scale") return this.subresources.getScale(scope, placeOf(target));
    const { live } = served.rules;
    if (live !== undefined) return plainAnswer(await this.live[live].get(scope, placeOf(target)), 200);
    const atRevision = input.atRevision?.();
    if (atRevision !== undefined) return this.getPast(scope, target, atRevision);
    return answerOf(served, await this.registry.get(scope, placeOf(target), input.resourceVersion()), 200);
  }

  private async getPast(scope: RequestScope, target: Target, revision: number): Promise<Answer> {
    const { served, namespace, name } = placeOf(target);
    const fieldSelector = `metadata.name=${name}`;
    const options = { fieldSelector, resourceVersion: String(revision), resourceVersionMatch: "Exact" } as const;
    const [found] = (await this.lists.list(scope, served, namespace, options)).items;
    if (found === undefined) throw notFound(served.info, name);
    return answerOf(served, found, 200);
  }

  async create({ scope, target, input }: Call): Promise<Answer> {
    const { served, namespace, name, subresource } = target;
    const options = input.writeOptions("CreateOptions");
    const decode = (form: ObjectForm): Decoded | Promise<Decoded> => input.body(form, options.fieldValidation);
    if (subresource?.name === "binding" || served.info.resource === "bindings") {
      const binding = (await decode(BINDING)).object as Binding;
      return this.subresources.bind(scope, namespace ?? "", name ?? binding.metadata?.name ?? "", binding, options);
    }
    if (subresource?.name === "eviction") {
      const eviction = (await decode(EVICTION)).object as Eviction;
      return this.subresources.evict(scope, placeOf(target), eviction, options);
    }
    if (subresource?.name === "token") {
      const { object, warnings } = await decode(TOKEN_REQUEST);
      checkNamespace(served, namespace, object.metadata?.namespace);
      const place = placeOf(target);
      const write = writeOfForm(this.registry.writeOf(place, "token", options), TOKEN_REQUEST);
      const whole = withExpiration(object);
      const asked = withManagedFields(
        whole as Fields,
        finished(managedAfterUpdate(write, undefined, whole, undefined)),
      );
      return withWarnings(await this.tokens.request(scope, place, asked), warnings);
    }
    if (subresource !== undefined) throw noSuchResource();
    if (name !== undefined || (served.info.namespaced && namespace === undefined)) throw methodNotAllowed();
    const read = decode(served.form);
    const decoded = read instanceof Promise ? await read : read;
    const { object, warnings } = ownedOnce(decoded.object, false);
    return telling(
      () => [...decoded.warnings, ...warnings],
      () => this.make(scope, served, namespace, object, options),
    );
  }

  /** What has been read is stored, or answered. */
  private async make(
    scope: RequestScope,
    served: Served,
    namespace: string | undefined,
    object: KubernetesObject,
    options: WriteOptions,
  ): Promise<Answer> {
    checkSentVersion(served.form, object);
    const { virtual, tokenOf } = served.rules;
    if (virtual !== undefined) {
      const own = namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace } };
      const question = tokenOf?.(own as never);
      const authentication =
        question === undefined ? {} : await this.tokens.authenticate(question.token, question.audiences);
      const manage = this.registry.managing({ served, namespace, name: "" }, undefined, options);
      const asked = withManagedFields(own as Fields, finished(manage(own as Fields, undefined)));
      return plainAnswer(virtual(asked as never, { ...scope, authentication, nowMs: this.registry.nowMs() }), 201);
    }
    return this.registry.create(scope, served, namespace, object, options);
  }

  async update({ scope, target, input }: Call): Promise<Answer> {
    const place = placeOf(target);
    const subresource = target.subresource?.name;
    const options = input.writeOptions("UpdateOptions");
    const form = subresource === "scale" ? SCALE_FORM : target.served.form;
    const read = input.body(form, options.fieldValidation);
    const decoded = read instanceof Promise ? await read : read;
    const { object, warnings } = ownedOnce(decoded.object, false);
    this.registry.tell(place, [...decoded.warnings, ...warnings]);
    return this.telling(place, async () => {
      checkSentVersion(form, object);
      return this.replace(scope, place, subresource, object, options);
    });
  }

  /** What the registry has to tell is told with the answer, and with a refusal. */
  private telling(place: ObjectPlace, work: () => Promise<Answer>): Promise<Answer> {
    return telling(() => this.registry.toldOf(place), work);
  }

  private replace(
    scope: RequestScope,
    place: ObjectPlace,
    subresource: string | undefined,
    object: KubernetesObject,
    options: WriteOptions,
  ): Promise<Answer> {
    switch (subresource) {
      case "scale":
        return this.subresources.updateScale(scope, place, object, options);
      case "finalize":
        return this.subresources.finalize(scope, place, object, options);
      case undefined:
      default:
        return this.registry.update(scope, place, subresource, object, options);
    }
  }

  async patch({ scope, target, input }: Call): Promise<Answer> {
    const place = placeOf(target);
    const options = input.writeOptions("PatchOptions");
    const subresource = target.subresource?.name;
    if (input.patchType() === APPLY_TYPE) {
      const read = input.configuration();
      const body = read instanceof Promise ? await read : read;
      return this.telling(place, () =>
        subresource === "scale"
          ? this.subresources.applyScale(scope, place, body, options)
          : this.applies.apply(scope, place, subresource, body, options),
      );
    }
    const { type, patch } = input.patch();
    return this.telling(place, () =>
      subresource === "scale"
        ? this.subresources.patchScale(scope, place, type, patch, options)
        : this.registry.patch(scope, place, subresource, type, patch, options),
    );
  }

  delete({ scope, target, input }: Call): Promise<Answer> {
    return this.registry.delete(scope, placeOf(target), input.deleteOptions());
  }
}

/** @param told asked when it is known what becomes of the work */
async function telling(told: () => readonly string[], work: () => Promise<Answer>): Promise<Answer> {
  try {
    return withWarnings(await work(), told());
  } catch (error) {
    throw warnedError(error, told());
  }
}

/** @throws Status 405 for a target that names no object */
export function placeOf({ served, namespace, name }: Target): ObjectPlace {
  if (name === undefined) throw methodNotAllowed();
  return { served, namespace, name };
}
