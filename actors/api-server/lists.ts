/**
 * Lists: from the cache wherever it can know the answer, from etcd's past where a page must be of an older revision.
 * @see KEP-365, KEP-2340; `ListOptions` in the API reference
 */
import type { ListOptions } from "../../protocols/api-server.ts";
import { statusError } from "../../protocols/api-server.ts";
import type { InkubeError } from "../../protocols/errors.ts";
import { hasCode } from "../../protocols/errors.ts";
import type { RangeResponse } from "../../protocols/etcd.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Conversions } from "./conversions.ts";
import { decodeContinue, encodeContinue } from "./core/cache/continue-token.ts";
import type { ListMetadata } from "./core/cache/encode-list.ts";
import type { ListPage } from "./core/cache/list.ts";
import { listPage } from "./core/cache/list.ts";
import type { ResourceCache } from "./core/cache/resource-cache.ts";
import { StoredObject } from "./core/cache/stored-object.ts";
import type { Served } from "./core/catalog/catalog.ts";
import type { Selection } from "./core/machinery/selectors.ts";
import { badRequest, expired, failure, tooLargeResourceVersion } from "./core/machinery/status.ts";
import { selectionOf, storedSelection } from "./core/registry/present.ts";
import type { RequestScope } from "./registry.ts";
import { parseRevision, reach } from "./revisions.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";

/** Keys asked of etcd at once when a selector thins them out. */
const PAST_PAGE = 500;

export interface ObjectList {
  readonly items: readonly StoredObject[];
  readonly metadata: ListMetadata;
}

/** What is listed, and how much of it at once. */
interface Wanted {
  readonly served: Served;
  readonly namespace: string | undefined;
  readonly selection: Selection;
  /** 0: all. */
  readonly limit: number;
  /** What the request says besides. */
  readonly options: ListOptions;
}

/** Where a page of an older revision begins. */
interface Past extends Pick<Wanted, "namespace" | "selection" | "limit"> {
  readonly cache: ResourceCache;
  readonly revision: number;
  readonly start: string | undefined;
}

export class Lists {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly store: Store;
  private readonly conversions: Conversions;

  constructor(ctx: Context<ApiServerOptions>, store: Store, conversions: Conversions) {
    this.ctx = ctx;
    this.store = store;
    this.conversions = conversions;
  }

  async list(
    scope: RequestScope,
    served: Served,
    namespace: string | undefined,
    options: ListOptions,
  ): Promise<ObjectList> {
    const selection = selectionOf(served, options.labelSelector, options.fieldSelector);
    // Whatever the cache has comes whole.
    const limit = options.resourceVersion === "0" ? 0 : (options.limit ?? 0);
    const wanted = { served, namespace, selection, limit, options };
    if (served.conversion === undefined) return pageOf(await this.page(scope, wanted));
    // What is not selected is known only once it has been converted.
    const cut = selection.everything ? limit : 0;
    const page = await this.page(scope, { ...wanted, selection: storedSelection(selection), limit: cut });
    return pageOf(await this.converted(scope, served, page, selection, limit));
  }

  /** @param limit of those that are selected; what is behind the last of them is not converted */
  private async converted(
    { caller }: RequestScope,
    served: Served,
    page: ListPage,
    selection: Selection,
    limit: number,
  ): Promise<ListPage> {
    if (selection.everything) return { ...page, items: await this.conversions.all(served, page.items, caller) };
    const { revision } = page;
    const items: StoredObject[] = [];
    const { conversionBatch } = this.ctx.options;
    for (let from = 0; from < page.items.length; from += conversionBatch) {
      const batch = await this.conversions.all(served, page.items.slice(from, from + conversionBatch), caller);
      for (const [i, form] of batch.entries()) {
        if (!selection.matches(form.object)) continue;
        items.push(form);
        const next = page.items[from + i + 1];
        if (items.length === limit && next !== undefined) return { items, revision, next: next.key };
      }
    }
    return { items, revision };
  }

  private async page(scope: RequestScope, wanted: Wanted): Promise<ListPage> {
    const { served, namespace, selection, limit, options } = wanted;
    if (options.continue) return this.proceed(scope, wanted, options.continue);
    if (isExact(options, limit)) {
      const revision = parseRevision(options.resourceVersion ?? "");
      const cache = this.store.cacheOf(served);
      const past = { cache, namespace, selection, revision, start: undefined, limit };
      return this.past(scope, past, () => expired("The resourceVersion for the provided list is too old."));
    }
    await reach(this.store, this.ctx.clock, scope.deadlineMs, options.resourceVersion);
    // Only now: a definition that has changed meanwhile has another one.
    const cache = this.store.cacheOf(served);
    return listPage(cache, this.store.revision, { namespace, selection }, limit, undefined);
  }

  private async proceed(scope: RequestScope, wanted: Wanted, from: string): Promise<ListPage> {
    const { served, namespace, selection, limit, options } = wanted;
    const token = decodeContinue(from, namespace);
    if (typeof token === "string") throw badRequest(`invalid continue token: ${token}`);
    if (options.resourceVersion && options.resourceVersion !== "0") {
      throw badRequest("specifying resource version is not allowed when using continue");
    }
    const { revision, start } = token;
    if (revision === 0) {
      await this.store.consistent(scope.deadlineMs);
      const newest = this.store.cacheOf(served);
      return listPage(newest, this.store.revision, { namespace, selection }, limit, start);
    }
    await this.store.waitFor(revision, scope.deadlineMs);
    const cache = this.store.cacheOf(served);
    if (cache.lastChangeRevision <= revision) {
      return listPage(cache, revision, { namespace, selection }, limit, start);
    }
    const past = { cache, namespace, selection, revision, start, limit };
    return this.past(scope, past, () => lostSnapshot(start));
  }

  /** A page as of an older revision, which etcd still has. */
  private async past(scope: RequestScope, past: Past, tooOld: () => InkubeError): Promise<ListPage> {
    const { cache, namespace, selection, revision, limit } = past;
    const prefix = `${cache.info.storagePrefix}/`;
    const within = namespace === undefined || !cache.info.namespaced ? undefined : namespace;
    const rangeEnd = within === undefined ? `${cache.info.storagePrefix}0` : `${prefix}${within}0`;
    let key = prefix + (past.start ?? (within === undefined ? "" : `${within}/`));
    const items: StoredObject[] = [];
    for (;;) {
      const ask = limit === 0 ? PAST_PAGE : selection.everything ? limit - items.length + 1 : PAST_PAGE;
      const page = await this.range(scope, { key, rangeEnd, limit: ask, revision }, tooOld);
      for (const [index, kv] of page.kvs.entries()) {
        const stored = new StoredObject(cache.head, kv.key.slice(prefix.length), kv.modRevision, kv.value);
        if (limit > 0 && items.length === limit) {
          const rest = selection.everything ? { remaining: page.count - index } : {};
          return { items, revision, next: stored.key, ...rest };
        }
        if (selection.everything || selection.matches(stored.object)) items.push(stored);
      }
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) return { items, revision };
      key = `${last.key}\0`;
    }
  }

  private async range(
    scope: RequestScope,
    request: { readonly key: string; readonly rangeEnd: string; readonly limit: number; readonly revision: number },
    tooOld: () => InkubeError,
  ): Promise<RangeResponse> {
    try {
      return await this.store.etcd.call("range", request, scope.deadlineMs);
    } catch (error) {
      if (hasCode(error, "ETCD_COMPACTED")) throw tooOld();
      if (hasCode(error, "ETCD_FUTURE_REVISION")) throw tooLargeResourceVersion(request.revision, this.store.revision);
      throw error;
    }
  }
}

/** A page that names a revision is of that revision, so that the pages behind it are, too. */
function isExact({ resourceVersion, resourceVersionMatch }: ListOptions, limit: number): boolean {
  if (resourceVersionMatch !== undefined) return resourceVersionMatch === "Exact";
  return limit > 0 && resourceVersion !== undefined;
}

function pageOf(page: ListPage): ObjectList {
  const { items, revision, next, remaining } = page;
  const metadata: ListMetadata = {
    resourceVersion: String(revision),
    ...(next === undefined ? {} : { continue: encodeContinue({ revision, start: next }) }),
    ...(remaining === undefined ? {} : { remainingItemCount: remaining }),
  };
  return { items, metadata };
}

/** 410 that carries a token for those who prefer an inconsistent rest to starting over. */
function lostSnapshot(start: string): InkubeError {
  const message =
    "The provided continue parameter is too old to display a consistent list result. " +
    "You can start a new list without the continue parameter, or use the continue token in this response to retrieve the " +
    "remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were " +
    "created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";
  const metadata = { continue: encodeContinue({ revision: 0, start }) };
  return statusError({ ...failure(410, "Expired", message), metadata });
}
