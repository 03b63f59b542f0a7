/** Conversion webhooks are called here, in batches; what they have made of a revision is kept with it while it is read. */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Caller } from "./caller.ts";
import { whileHere } from "./caller.ts";
import type { Head, StoredObject } from "./core/cache/stored-object.ts";
import { headIn } from "./core/cache/stored-object.ts";
import type { Served } from "./core/catalog/catalog.ts";
import { internalError, unexplained, unreadableList } from "./core/machinery/status.ts";
import type { KnownConversions, Wanted, WebhookConversion } from "./core/webhooks/conversion.ts";
import { NotConverted } from "./core/webhooks/conversion.ts";
import { conversionReview, readConversion } from "./core/webhooks/conversion-review.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Webhooks } from "./webhooks.ts";

/** The object, or why it can't be shown. */
type Form = StoredObject | string;

/** One call of a webhook, and who waits for what it converts: once all have gone, it ends. */
class Review {
  isOver = false;
  private readonly ending = new AbortController();
  private waiting = 0;

  get signal(): AbortSignal {
    return this.ending.signal;
  }

  join(): void {
    this.waiting++;
  }

  leave(): void {
    if (--this.waiting === 0 && !this.isOver) this.ending.abort();
  }
}

interface UnderWay {
  readonly form: Promise<Form>;
  readonly review: Review;
}

export class Conversions {
  private readonly ctx: Pick<Context<ApiServerOptions>, "clock" | "ids" | "options">;
  private readonly webhooks: Webhooks;
  private readonly heads = new WeakMap<Served, Head>();
  /** What is being converted, so that who asks next waits for the same answer. */
  private readonly underWay = new WeakMap<StoredObject, Map<string, UnderWay>>();

  constructor(ctx: Pick<Context<ApiServerOptions>, "clock" | "ids" | "options">, webhooks: Webhooks) {
    this.ctx = ctx;
    this.webhooks = webhooks;
  }

  /**
   * An object as it is served.
   * @throws Status 500 when it can't be converted
   */
  one(served: Served, stored: StoredObject, caller: Caller | undefined): StoredObject | Promise<StoredObject> {
    return served.conversion === undefined ? stored : this.converted(served, stored, caller);
  }

  private async converted(served: Served, stored: StoredObject, caller: Caller | undefined): Promise<StoredObject> {
    const [form] = await this.forms(served, [stored], caller);
    if (typeof form !== "string") return form as StoredObject;
    const { info } = served;
    throw internalError(corrupt(`/${info.group}/${info.resource}/${stored.key}`, stored, form));
  }

  /**
   * All of a list as they are served.
   * @throws Status 500 when one can't be converted
   */
  async all(
    served: Served,
    items: readonly StoredObject[],
    caller: Caller | undefined,
  ): Promise<readonly StoredObject[]> {
    if (served.conversion === undefined) return items;
    const forms = await this.forms(served, items, caller);
    const failed = forms.flatMap((form, i) => {
      const stored = items[i] as StoredObject;
      const field = `${served.info.storagePrefix}/${stored.key}`;
      return typeof form === "string" ? [{ field, message: corrupt(field, stored, form) }] : [];
    });
    if (failed.length > 0) throw unreadableList(served.info, failed);
    return forms as readonly StoredObject[];
  }

  /**
   * Each of them as it is served, or why it can't be.
   * @param caller absent: it is waited for to the end
   * Errors: CANCELLED, of who has gone.
   */
  async forms(served: Served, items: readonly StoredObject[], caller?: Caller): Promise<readonly Form[]> {
    const { conversion } = served;
    if (conversion === undefined) return items;
    const missing = new Set<StoredObject>();
    const found = items.map((stored): StoredObject | UnderWay | undefined => {
      const known = this.present(served, stored) ?? this.asked(served, stored);
      if (known === undefined) missing.add(stored);
      return known;
    });
    if (missing.size > 0) this.convert(served, conversion, [...missing]);
    const all = found.map((known, i) => known ?? (this.asked(served, items[i] as StoredObject) as UnderWay));
    const reviews = new Set(all.flatMap((each) => ("review" in each ? [each.review] : [])));
    for (const review of reviews) review.join();
    try {
      return await whileHere(Promise.all(all.map(async (each) => ("review" in each ? each.form : each))), caller);
    } finally {
      for (const review of reviews) review.leave();
    }
  }

  /** Where somebody waits for it already. */
  private asked({ info }: Served, stored: StoredObject): UnderWay | undefined {
    const known = this.underWay.get(stored)?.get(info.apiVersion);
    return known?.review.signal.aborted === true ? undefined : known;
  }

  /** The form of an object for which nobody need be asked, if it has one. */
  present(served: Served, stored: StoredObject): StoredObject | undefined {
    const { apiVersion } = served.info;
    if (served.conversion === undefined) return stored;
    const version = stored.object.apiVersion;
    if (version === apiVersion && stored.head.apiVersion === apiVersion) return stored;
    const known = stored.form(apiVersion);
    if (known !== undefined || version !== apiVersion) return known;
    const form = stored.inForm(this.headOf(served), undefined);
    stored.keepForm(form);
    return form;
  }

  /**
   * As `present`, with what a write knows.
   * @throws NotConverted; Status 500
   */
  known(served: Served, stored: StoredObject, known: KnownConversions): StoredObject {
    const present = this.present(served, stored);
    const { conversion, info } = served;
    if (present !== undefined || conversion === undefined) return present ?? stored;
    const wanted = { conversion, object: stored.object, apiVersion: info.apiVersion };
    const found = known.find(wanted);
    if (found === undefined) throw new NotConverted(wanted);
    if (typeof found === "string") throw unexplained(undecodable(stored, found));
    const form = stored.inForm(this.headOf(served), known.to(conversion, stored.object, info.apiVersion));
    stored.keepForm(form);
    return form;
  }

  /**
   * Asks for what a write wants, and lets it know.
   * Errors: CANCELLED, of who has gone.
   */
  async answer(
    known: KnownConversions,
    wanted: readonly Wanted[],
    deadlineMs: number,
    caller: Caller | undefined,
  ): Promise<void> {
    for (const one of wanted) {
      const ending = new AbortController();
      const stay = caller?.whenGone(() => ending.abort());
      const asked = this.ask(one.conversion, [one.object], one.apiVersion, deadlineMs, ending.signal);
      const [found] = await whileHere(asked, caller);
      stay?.();
      known.learn(one, found as KubernetesObject | string);
    }
  }

  private headOf(served: Served): Head {
    let head = this.heads.get(served);
    if (head === undefined) {
      const { info, rules } = served;
      this.heads.set(served, (head = headIn(info.apiVersion, info, rules.read)));
    }
    return head;
  }

  /** In batches, all of them at once. */
  private convert(served: Served, conversion: WebhookConversion, missing: readonly StoredObject[]): void {
    const { clock, options } = this.ctx;
    const { apiVersion } = served.info;
    for (const batch of batchesOf(missing, options.conversionBatch, options.conversionBatchBytes)) {
      // Others may wait for it as well, whoever asked first.
      const deadlineMs = clock.monotonicMs() + options.requestTimeoutMs;
      const objects = batch.map(({ object }) => object);
      const review = new Review();
      const answers = this.ask(conversion, objects, apiVersion, deadlineMs, review.signal);
      for (const [i, stored] of batch.entries()) {
        const form = answers.then(
          (all) => {
            this.over(stored, apiVersion, review);
            return this.keep(served, stored, all[i] as KubernetesObject | string);
          },
          (error: unknown) => {
            this.over(stored, apiVersion, review);
            throw error;
          },
        );
        const others = this.underWay.get(stored) ?? new Map<string, UnderWay>();
        this.underWay.set(stored, others.set(apiVersion, { form, review }));
      }
    }
  }

  /** In the turn in which the form is there: who comes between would ask again. */
  private over(stored: StoredObject, apiVersion: string, review: Review): void {
    review.isOver = true;
    const known = this.underWay.get(stored);
    // Of one that was given up somebody may have asked again.
    if (known?.get(apiVersion)?.review === review) known.delete(apiVersion);
  }

  private keep(served: Served, stored: StoredObject, answer: KubernetesObject | string): Form {
    if (typeof answer === "string") return answer;
    const form = stored.inForm(this.headOf(served), answer);
    stored.keepForm(form);
    return form;
  }

  /** One review. @returns for each object what it is in the version, or why that is not known */
  private async ask(
    conversion: WebhookConversion,
    objects: readonly KubernetesObject[],
    desiredAPIVersion: string,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<readonly (KubernetesObject | string)[]> {
    const { client, reviewVersion, versions } = conversion;
    const unknown = objects.find(({ apiVersion = "" }) => !versions.has(apiVersion))?.apiVersion;
    if (unknown !== undefined) {
      return objects.map(() => `request to convert CR from an invalid group/version: ${unknown}`);
    }
    const request = { uid: this.ctx.ids.uuid(), desiredAPIVersion, objects };
    const timeoutMs = deadlineMs - this.ctx.clock.monotonicMs();
    const reply = await this.webhooks.post(client, conversionReview(reviewVersion, request), timeoutMs, signal);
    if (reply.error !== undefined) {
      const [first] = objects;
      const why = `conversion webhook for ${first?.apiVersion}, Kind=${first?.kind} failed: ${reply.error}`;
      return objects.map(() => why);
    }
    const converted = readConversion(reviewVersion, request, reply.value);
    if (converted.error !== undefined) return objects.map(() => converted.error);
    return converted.value.map((object) => coerced(conversion, desiredAPIVersion, object));
  }
}

function coerced(
  { versions }: WebhookConversion,
  apiVersion: string,
  object: KubernetesObject,
): KubernetesObject | string {
  try {
    return versions.get(apiVersion)?.coerce(object) ?? object;
  } catch (error) {
    if (error instanceof InkubeError) return error.message;
    throw error;
  }
}

function batchesOf(
  all: readonly StoredObject[],
  countMax: number,
  bytesMax: number,
): readonly (readonly StoredObject[])[] {
  const batches: StoredObject[][] = [];
  let batch: StoredObject[] = [];
  let bytes = 0;
  for (const stored of all) {
    if (batch.length > 0 && (batch.length === countMax || bytes + stored.sizeBytes > bytesMax)) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(stored);
    bytes += stored.sizeBytes;
  }
  return [...batches, batch];
}

function undecodable({ revision }: StoredObject, why: string): string {
  return `object not decodable revision=${revision}: ${why}`;
}

/** Source: apiserver `storage/errors.go`, `storage/etcd3/corrupt_obj_deleter.go`. */
function corrupt(key: string, stored: StoredObject, why: string): string {
  const place = `Key: ${key}, ResourceVersion: 0`;
  return `StorageError: corrupt object, Code: 7, ${place}, AdditionalErrorMsg: ${undecodable(stored, why)}`;
}
