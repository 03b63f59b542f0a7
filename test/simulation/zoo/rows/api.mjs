/** Mistakes in the API server, which clients of three of them find. */
import { rowOf } from "../row.mjs";

const STORE = "actors/api-server/store.ts";
const LISTS = "actors/api-server/lists.ts";
const WATCHES = "actors/api-server/watches.ts";
const MUTATION = "actors/api-server/mutation.ts";
const CACHE = "actors/api-server/core/cache/resource-cache.ts";
const HISTORY = "actors/api-server/core/cache/event-history.ts";
const DELETION = "actors/api-server/core/registry/deletion.ts";

/** A seed that finds the row's mistake within some seconds; what is not here takes longer, or has not been found yet. */
const SEEDS = {
  "follows-etcd-without-progress": 1,
  "bookmark-ahead-of-events": 1,
  "watch-resumed-a-change-late": 4,
  "watch-does-not-replay": 2,
  "expired-watch-is-served": 3,
  "watch-expires-too-soon": 2,
  "history-forgets-unnoticed": 3,
  "continue-from-the-present": 1,
  "exact-list-of-the-present": 1,
  "deletion-with-its-old-revision": 1,
  "change-told-as-a-creation": 1,
  "address-claimed-twice": 1,
  "reload-keeps-the-dead": 16,
  "finalizer-skipped": 2,
  "deletion-does-not-wait": 2,
};

const row = rowOf("api", 100, SEEDS);

export const variants = [
  row(
    "list-older-than-asked",
    STORE,
    `if (this.loaded && this.reached >= revision) return Promise.resolve();`,
    `if (this.loaded) return Promise.resolve();`,
    "a list that is not to be older than a revision comes from a cache that is",
  ),
  row(
    "consistent-read-from-a-stale-cache",
    STORE,
    `      if (this.loaded && this.reached >= revision) reader.resolve();`,
    `      if (this.loaded) reader.resolve();`,
    "the quorum is asked how far it is, and the cache is not waited for",
  ),
  row(
    "reader-joins-the-question-under-way",
    STORE,
    `      this.behind.push({ deadlineMs, resolve, reject });`,
    `      (this.asking ? (this.asked as Reader[]) : this.behind).push({ deadlineMs, resolve, reject });`,
    "a read is served by a question that was asked before it came",
  ),
  row(
    "watch-of-etcd-goes-on-too-late",
    STORE,
    `startRevision: this.reached + 1, progressNotify: true`,
    `startRevision: this.reached + 2, progressNotify: true`,
    "what happens as the watch moves to another member is missed",
  ),
  row(
    "follows-etcd-without-progress",
    STORE,
    `      if (modRevision > this.reached) this.reached = modRevision;`,
    `      if (modRevision > this.reached) this.reached = modRevision + 1;`,
    "the cache says that it is one revision ahead of what it has",
  ),
  row(
    "bookmark-ahead-of-events",
    WATCHES,
    `    const revision = Math.max(this.from, this.store.revision);`,
    `    const revision = Math.max(this.from, this.store.revision) + 1;`,
    "a bookmark says that a change was told which is yet to come",
  ),
  row(
    "watch-resumed-a-change-late",
    WATCHES,
    `if (!this.closed && stored.revision > this.from) this.receiver`,
    `if (!this.closed && stored.revision > this.from + 1) this.receiver`,
    "the first change after the revision that a watch names is left out",
  ),
  row(
    "watch-does-not-replay",
    WATCHES,
    `    } else cache.replay(watch, from);`,
    `    }`,
    "a watch of the past tells only what comes from now on",
  ),
  row(
    "expired-watch-is-served",
    WATCHES,
    `    if (from < cache.oldestRevision) {`,
    `    if (from < 0) {`,
    "a watch from a revision of which changes are forgotten begins with those that are left",
  ),
  row(
    "watch-expires-too-soon",
    WATCHES,
    `    if (from < cache.oldestRevision) {`,
    `    if (from < Math.max(cache.oldestRevision, cache.lastChangeRevision - 3)) {`,
    "a watch is refused as expired though all that it wants is kept",
  ),
  row(
    "history-forgets-unnoticed",
    HISTORY,
    `      this.floor = oldest.revision;`,
    ``,
    "changes are forgotten, and watches from before them are served all the same",
  ),
  row(
    "continue-from-the-present",
    LISTS,
    `    if (cache.lastChangeRevision <= revision) {
      return listPage(cache, revision,`,
    `    if (cache.lastChangeRevision >= 0) {
      return listPage(cache, revision,`,
    "the next page of a list is of the present, and says that it is of the past",
  ),
  row(
    "continue-after-a-compaction-goes-on",
    LISTS,
    `      if (hasCode(error, "ETCD_COMPACTED")) throw tooOld();`,
    `      if (hasCode(error, "ETCD_COMPACTED")) return this.store.etcd.call("range", { ...request, revision: 0 }, scope.deadlineMs);`,
    "a page of a compacted revision is of the present",
  ),
  row(
    "exact-list-of-the-present",
    LISTS,
    `    if (isExact(options, limit)) {`,
    `    if (isExact(options, limit) && this.store.revision < 0) {`,
    "a list of exactly one revision is of another one",
  ),
  row(
    "deletion-with-its-old-revision",
    CACHE,
    `    const current = previous.at(revision);`,
    `    const current = previous;`,
    "a deletion is told under the revision that the object had",
  ),
  row(
    "change-told-as-a-creation",
    CACHE,
    `    const type = previous === undefined ? "ADDED" : "MODIFIED";`,
    `    const type = previous === undefined || previous.revision + 1 === revision ? "ADDED" : "MODIFIED";`,
    "a change that follows the one before at once is told as a creation",
  ),
  row(
    "watchers-outlive-a-reload",
    CACHE,
    `      this.watchers.remove(watcher);
      watcher.expire();`,
    `      void watcher;`,
    "who watches is not told that the cache was loaded anew and that changes were missed",
  ),
  row(
    "reload-keeps-the-dead",
    CACHE,
    `    this.objects.clear();
    this.keys.clear();`,
    ``,
    "what was deleted while a server was away is listed for ever",
  ),
  row(
    "own-write-for-ever",
    MUTATION,
    `      if (revision > this.store.revision) cache.expect(stored);`,
    `      cache.expect(stored);`,
    "a server takes what it has written for the newest although later changes have come",
  ),
  row(
    "update-without-comparison",
    MUTATION,
    `    const compare: Compare[] = [{ key: path, result: "equal", target: "mod", value: base?.revision ?? 0 }];`,
    `    const compare: Compare[] =
      base === undefined ? [{ key: path, result: "equal", target: "mod", value: 0 }] : [{ key: path, result: "greater", target: "mod", value: 0 }];`,
    "an update overwrites what has changed since it was read",
  ),
  row(
    "address-claimed-twice",
    MUTATION,
    `    for (const each of claim) compare.push({ key: each, result: "equal", target: "create", value: 0 });`,
    ``,
    "two servers give out one address at the same moment",
  ),
  row(
    "conflict-refused-on-stale-grounds",
    MUTATION,
    `        if (base.fresh || statusOf(error) === undefined) throw error;`,
    `        throw error;`,
    "a server refuses on the ground of a state that is not there any more",
  ),
  row(
    "finalizer-skipped",
    DELETION,
    `  if (deletionTimestamp === undefined || (finalizers?.length ?? 0) > 0) return false;`,
    `  if (deletionTimestamp === undefined || (finalizers?.length ?? 0) > 1) return false;`,
    "an object goes while its last finalizer still holds it",
  ),
  row(
    "deletion-does-not-wait",
    DELETION,
    `  if (finalizers.length === 0 && grace === undefined) return { action: "remove" };`,
    `  if (finalizers.length < 2 && grace === undefined) return { action: "remove" };`,
    "an object that one finalizer holds is deleted at once",
  ),
];
