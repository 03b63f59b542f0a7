/** Mistakes in etcd around Raft: what is proposed, applied, read, watched, leased and stored. Members as actors find them. */
import { rowOf } from "../row.mjs";

const MEMBER = "actors/etcd/member.ts";
const REQUESTS = "actors/etcd/requests.ts";
const STORE = "actors/etcd/core/mvcc/store.ts";
const HUB = "actors/etcd/core/mvcc/watch-hub.ts";
const WATCHES = "actors/etcd/watches.ts";
const LEASES = "actors/etcd/leases.ts";
const LEASE_CLOCK = "actors/etcd/core/mvcc/lease-clock.ts";
const CODEC = "actors/etcd/core/mvcc/state-codec.ts";
const STORAGE = "actors/etcd/storage.ts";
const TXN = "actors/etcd/core/mvcc/txn.ts";
const RAFT = "actors/etcd/core/raft/raft.ts";

/** A seed that finds the row's mistake within a second or two; what is not here takes longer, or has not been found yet. */
const SEEDS = {
  "read-before-applied": 1,
  "local-read": 1,
  "proposed-again-after-a-lost-answer": 36,
  "forwarded-twice": 1,
  "compare-on-a-stale-revision": 1,
  "event-skipped-at-a-compaction": 1,
  "watch-resumed-a-revision-late": 1,
  "future-watch-begins-at-once": 1,
  "lease-forgets-replaced-keys": 1,
  "snapshot-without-leases": 1,
  "snapshot-index-off-by-one": 2,
  "saved-snapshot-is-of-later": 50,
};

const row = rowOf("etcd", 200, SEEDS);

export const variants = [
  row(
    "sent-before-it-is-synced",
    MEMBER,
    `      await done;
      this.persistUnderWay = undefined;`,
    `      await Promise.race([done, this.ctx.clock.sleep(0)]);
      this.persistUnderWay = undefined;`,
    "what is written counts as durable before its sync has ended",
  ),
  row(
    "stale-read-after-a-pause",
    RAFT,
    `    if (this.tracker.quorum === 1 && this.tracker.isVoter(this.id)) {
      this.answerRead`,
    `    if (this.tracker.quorum > 0) {
      this.answerRead`,
    "a leader that was paused answers reads without asking whether it still leads",
  ),
  row(
    "read-before-applied",
    REQUESTS,
    `if (index > applied) return true;`,
    `if (index > applied + 1) return true;`,
    "a read is answered before all that was committed when it was asked is applied",
  ),
  row(
    "local-read",
    "actors/etcd/etcd.ts",
    `if (request.serializable === true) return machine.range(request);`,
    `if (request.serializable !== false) return machine.range(request);`,
    "every read is answered from the member's own state",
  ),
  row(
    "proposed-again-after-a-lost-answer",
    MEMBER,
    `        if (!hasCode(error)) throw error;
        const refused = hasCode(error, "ETCD_NO_LEADER", "MAILBOX_FULL");`,
    `        if (!hasCode(error)) throw error;
        void this.peers.ref(leader).call("forward", { proposals: [sent.bytes] }).catch(() => undefined);
        const refused = hasCode(error, "ETCD_NO_LEADER", "MAILBOX_FULL");`,
    "a batch of which nobody knows what became of it is proposed once more",
  ),
  row(
    "forwarded-twice",
    "actors/etcd/etcd.ts",
    `      member.takeForwarded(proposals);`,
    `      member.takeForwarded(proposals);
      if (ctx.random.below(20) === 0) member.takeForwarded(proposals);`,
    "what a follower passes on is proposed twice now and then",
  ),
  row(
    "refused-but-sent",
    MEMBER,
    `etcdError(refused ? "ETCD_NO_LEADER" : "ETCD_LEADER_CHANGED")`,
    `etcdError("ETCD_NO_LEADER")`,
    "a write that may have been carried out is told as refused",
  ),
  row(
    "compare-on-a-stale-revision",
    TXN,
    `return holdsFor(store.get(compare.key), compare);`,
    `return holdsFor(versionAt(store.index.get(compare.key), store.revision - 1), compare);`,
    "a comparison does not see the newest revision",
    [
      [
        `import type { RangeResult, Store } from "./store.ts";`,
        `import type { RangeResult, Store } from "./store.ts";\nimport { versionAt } from "./store.ts";`,
      ],
    ],
  ),
  row(
    "event-skipped-at-a-compaction",
    HUB,
    `        if (watcher.next < store.compactRevision) {`,
    `        if (watcher.next < 0) {`,
    "a watcher that lags behind a compaction goes on with what is left",
  ),
  row(
    "watch-resumed-a-revision-late",
    HUB,
    `startRevision <= 0 ? store.revision + 1 : startRevision;`,
    `startRevision <= 0 ? store.revision + 1 : startRevision + (startRevision <= store.revision ? 1 : 0);`,
    "a watch of the past begins one revision late",
  ),
  row(
    "future-watch-begins-at-once",
    HUB,
    `        if (watcher.next > first.revision) all = all.filter(({ kv }) => kv.modRevision >= watcher.next);`,
    ``,
    "a watch from a revision of the future is told what comes before it (etcd bug 20221)",
    [[`let all = watcher.prevKv`, `const all = watcher.prevKv`]],
  ),
  row(
    "progress-before-events",
    HUB,
    `        if (!watcher.progressNotify || !watcher.synced) continue;`,
    `        if (!watcher.progressNotify) continue;`,
    "a watcher that lags is told to have come to what it has not been told (etcd bugs 15220, 17507)",
  ),
  row(
    "lagging-watcher-fed-twice",
    HUB,
    `if (all.length > 0 && !deliver(watcher, all)) this.lag(watcher, first.revision);`,
    `if (all.length > 0 && !deliver(watcher, all)) this.lag(watcher, first.revision - 1);`,
    "a slow watcher is told the revision before the one that it could not take once more",
  ),
  row(
    "slow-watcher-loses-events",
    HUB,
    `if (all.length > 0 && !deliver(watcher, all)) this.lag(watcher, first.revision);`,
    `if (all.length > 0) deliver(watcher, all);`,
    "what a slow watcher can't take now is never told",
  ),
  row(
    "watch-back-in-time-after-a-snapshot",
    WATCHES,
    `this.hub.restored(this.notified);`,
    `this.hub.restored(this.machine.store.compactRevision);`,
    "a leader's snapshot takes watchers back to where its history begins (etcd bug 15271)",
    [],
  ),
  row(
    "watch-skips-a-snapshot",
    WATCHES,
    `this.hub.restored(this.notified);`,
    `this.hub.restored(this.machine.store.revision);`,
    "what a leader's snapshot brought is not told to those who watch",
  ),
  row(
    "previous-of-another-version",
    STORE,
    `      whole.push(change(type, kv, previous ?? prevKv, cause));`,
    `      whole.push(change(type, kv, prevKv, cause));`,
    "after a snapshot events don't tell what was there before",
  ),
  row(
    "lost-tombstone",
    STORE,
    `    const keepFrom = Math.max(revision, this.historyStart);`,
    `    const keepFrom = Math.max(revision + 1, this.historyStart);`,
    "a compaction forgets the events of the revision that it keeps (etcd bug 19179)",
  ),
  row(
    "compaction-drops-a-live-key",
    STORE,
    `    if (last.version === 0 && last.modRevision < revision) keep++;`,
    `    if (last.modRevision < revision && versions.length > keep + 1) keep++;
    else if (last.version === 0 && last.modRevision < revision) keep++;`,
    "what a key was at the compacted revision is forgotten if it has changed since",
  ),
  row(
    "version-not-counted-after-a-delete",
    STORE,
    `      createRevision: previous === undefined ? revision : previous.createRevision,
      modRevision: revision,
      version: previous === undefined ? 1 : previous.version + 1,`,
    `      createRevision: previous?.createRevision ?? record?.versions[0]?.createRevision ?? revision,
      modRevision: revision,
      version: previous === undefined ? 1 : previous.version + 1,`,
    "a key that is made anew has the creation of its former self",
  ),
  row(
    "lease-revoked-twice",
    MEMBER,
    `    this.own = [];
    this.forwarding?.abort();`,
    `    this.forwarding?.abort();`,
    "the end of a lease that a leader of the past wanted is proposed by it when it leads again",
  ),
  row(
    "lease-keeps-its-old-time",
    LEASES,
    `    else this.clock.clear();`,
    ``,
    "a leader that leads again counts on from the time that it knew",
    [
      [
        `if (leading) this.clock.promote(this.machine.store.leases.values(), this.nowMs);`,
        `if (leading) for (const lease of this.machine.store.leases.values()) if (!this.clock["deadlines"].has(lease.id)) this.clock.begin(lease, this.nowMs);`,
      ],
    ],
  ),
  row(
    "lease-kept-alive-by-a-follower",
    LEASES,
    `    if (!this.leading) return read.reject(etcdError("ETCD_LEADER_CHANGED"));`,
    `    if (!this.leading) return read.resolve({ id, ttlSeconds: lease.ttlSeconds } satisfies LeaseAnswer as never);`,
    "a member that does not lead any more answers a renewal from its old view",
  ),
  row(
    "lease-renewed-while-it-ends",
    LEASE_CLOCK,
    `    const deadline = this.deadlines.get(lease.id);\n    if (deadline !== undefined && deadline.atMs <= nowMs) return false;\n`,
    ``,
    "a renewal is answered although the end of the lease is under way",
  ),
  row(
    "lease-of-a-new-leader-is-half-over",
    LEASE_CLOCK,
    `    for (const lease of leases) this.begin(lease, nowMs);`,
    `    for (const lease of leases) this.begin(lease, nowMs - lease.ttlSeconds * 700);`,
    "a new leader takes most of a lease's time for over",
  ),
  row(
    "lease-never-ends-after-an-election",
    LEASE_CLOCK,
    `    for (const lease of leases) this.begin(lease, nowMs);`,
    ``,
    "leases that are older than the leader's term live for ever",
  ),
  row(
    "lease-forgets-replaced-keys",
    STORE,
    `    if (previous !== undefined && previous.lease !== lease) this.detach(previous);`,
    ``,
    "a key that was written anew without its lease goes with it all the same",
  ),
  row(
    "snapshot-without-leases",
    CODEC,
    `  store.finishRestore();`,
    ``,
    "keys that a snapshot brings outlive their leases",
  ),
  row(
    "snapshot-index-off-by-one",
    MEMBER,
    `    return { ...this.raft.snapshotMeta(), data: encodeStore(this.machine.store) };`,
    `    const meta = this.raft.snapshotMeta();
    return { ...meta, index: meta.index - 1, data: encodeStore(this.machine.store) };`,
    "a leader's snapshot says that it ends one entry before what it holds",
  ),
  row(
    "saved-snapshot-is-of-later",
    MEMBER,
    `      if (encoder.isSpoilt || this.machine.store !== store || this.stopped) return;
    }`,
    `      if (encoder.isSpoilt || this.machine.store !== store || this.stopped) return;
    }
    meta = this.raft.snapshotMeta();`,
    "a snapshot that was written in steps names the index at its end",
    [
      [
        `    const meta = this.raft.snapshotMeta();\n    const file`,
        `    let meta = this.raft.snapshotMeta();\n    const file`,
      ],
    ],
  ),
  row(
    "two-voters-of-one-identity",
    STORAGE,
    `if ((names.length === 0 && known) || log.isForgetful) return undefined;`,
    `if (log.isForgetful) return undefined;`,
    "a member whose disk was lost comes back as a new voter under its old name",
  ),
  row(
    "segment-removed-too-early",
    STORAGE,
    `(this.segments[0] as Segment).lastIndex < mark.index`,
    `(this.segments[0] as Segment).lastIndex <= mark.index + 1`,
    "a log file goes with an entry behind the snapshot",
  ),
  row(
    "unsynced-append",
    STORAGE,
    `    await this.metrics.written(bytes.length, file.write(this.position, bytes));
    await this.metrics.synced(file.sync());
    this.chain = chain;`,
    `    await this.metrics.written(bytes.length, file.write(this.position, bytes));
    if (persist.entries.length === 0) await this.metrics.synced(file.sync());
    this.chain = chain;`,
    "entries are written, but not synced",
  ),
];
