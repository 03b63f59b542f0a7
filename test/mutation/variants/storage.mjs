/** Mistakes in what a member keeps: log and recovery, snapshots, leases, watches, compaction, syncs, and a full disk. */
const STORAGE = "actors/etcd/storage.ts";
const RECOVERY = "actors/etcd/core/wal/recovery.ts";
const STORE = "actors/etcd/core/mvcc/store.ts";
const CODEC = "actors/etcd/core/mvcc/state-codec.ts";
const HUB = "actors/etcd/core/mvcc/watch-hub.ts";
const LEASE_CLOCK = "actors/etcd/core/mvcc/lease-clock.ts";
const LEASES = "actors/etcd/leases.ts";
const MEMBER = "actors/etcd/member.ts";
const DISK = "runtime/threads/thread-disk.ts";

const CUT_OFF = ["test/unit/actors/etcd/storage.test.ts"];
const WAL = ["test/unit/actors/etcd/core/wal/wal.test.ts"];
const SNAPSHOT = ["test/unit/actors/etcd/core/mvcc/snapshot.test.ts"];
const KEPT = ["test/unit/actors/etcd/core/mvcc/store.test.ts", ...SNAPSHOT];
const WATCHERS = ["test/unit/actors/etcd/core/mvcc/watch-hub.test.ts"];
const ACTOR = ["test/simulation/etcd/etcd-actor.test.ts"];
const TIMES = ["test/simulation/etcd/leases.test.ts"];
const FULL = ["test/simulation/etcd/full-disk.test.ts"];
const THREAD = ["test/unit/runtime/threads/thread-disk.test.ts"];

const row = (name, file, find, replace, why, tests) => ({ name, file, find, replace, why, tests });

const log = [
  row(
    "log-not-synced",
    STORAGE,
    `    await this.metrics.synced(file.sync());\n    this.chain = chain;`,
    `    this.chain = chain;`,
    "what is appended is acknowledged before it is synced",
    CUT_OFF,
  ),
  row(
    "writes-over-the-last-frame",
    STORAGE,
    `    this.position += bytes.length;\n`,
    ``,
    "each append takes the place of the one before",
    CUT_OFF,
  ),
  row(
    "old-vote-in-a-new-segment",
    STORAGE,
    `    this.hardState = persist.hardState;\n`,
    ``,
    "a new segment begins with an old term and vote",
    CUT_OFF,
  ),
  row(
    "removes-the-segment-at-the-snapshot",
    STORAGE,
    `.lastIndex < mark.index)`,
    `.lastIndex <= mark.index)`,
    "the entry by which a conflicting end is known goes before the end",
    CUT_OFF,
  ),
  row(
    "removes-segments-too-early",
    STORAGE,
    `segment.lastIndex = Math.max(segment.lastIndex, last.index);`,
    `segment.lastIndex = 0;`,
    "segments are removed that hold more than the snapshot",
    CUT_OFF,
  ),
  row(
    "torn-end-stays",
    STORAGE,
    `      await file.truncate(cut.sizeBytes);\n`,
    ``,
    "a torn frame stays in the middle of the log",
    CUT_OFF,
  ),
  row(
    "read-end-not-written-again",
    STORAGE,
    `    await file.write(lastFrame.position, lastFrame.bytes);\n    await file.sync();\n`,
    ``,
    "a restart relies on what was only in the system's cache",
    CUT_OFF,
  ),
  row(
    "snapshot-name-not-synced",
    STORAGE,
    `    if (snapshot !== undefined) await disk.syncDirectory(SNAP);\n`,
    ``,
    "a restart relies on a snapshot whose name is not on disk",
    CUT_OFF,
  ),
  row(
    "removes-the-newest-snapshot",
    STORAGE,
    `index < snapshot.index) await disk.remove`,
    `index <= snapshot.index) await disk.remove`,
    "the new snapshot is removed with the old ones",
    CUT_OFF,
  ),
  row(
    "reads-the-oldest-snapshot",
    STORAGE,
    `names[names.length - 1];`,
    `names[0];`,
    "of two snapshots the older is read",
    CUT_OFF,
  ),
  row(
    "lost-disk-begins-anew",
    STORAGE,
    `if ((names.length === 0 && known) || log.isForgetful) return undefined;`,
    `if (log.isForgetful) return undefined;`,
    "a member whose disk was lost votes again under its name",
    CUT_OFF,
  ),
];

const recovery = [
  row(
    "conflicting-end-behind-a-snapshot",
    RECOVERY,
    `  if (replay.mark.index < snapshot.index) replay.goOnFrom(snapshot);\n`,
    ``,
    "entries of another history stay behind a leader's snapshot",
    WAL,
  ),
  row(
    "overwritten-tail-stays",
    RECOVERY,
    `    this.entries.length = Math.max(0, entry.index - first);\n    this.entries.push(entry);`,
    `    this.entries.splice(entry.index - first, 1, entry);`,
    "entries behind one that was overwritten come back",
    WAL,
  ),
  row(
    "conflicting-end-behind-a-mark",
    RECOVERY,
    `    if (this.entries[mark.index - first.index]?.term !== mark.term) this.entries = [];`,
    ``,
    "the log's own word of a snapshot leaves a conflicting end",
    CUT_OFF,
  ),
  row(
    "term-of-the-snapshot-forgotten",
    RECOVERY,
    `replay.hardState.term < snapshot.term;`,
    `replay.hardState.term < 0;`,
    "a member goes back to a term before its snapshot's",
    WAL,
  ),
  row(
    "vote-of-an-old-term",
    RECOVERY,
    `term: snapshot.term, vote: 0 }`,
    `term: snapshot.term }`,
    "a vote of an old term counts for the snapshot's",
    WAL,
  ),
  row(
    "snapshot-without-a-log",
    RECOVERY,
    `files.length === 0 && snapshot.index > 0`,
    `files.length < 0`,
    "a member whose votes are lost votes again",
    CUT_OFF,
  ),
  row(
    "torn-in-the-middle",
    RECOVERY,
    `if (read.torn && !last) throw`,
    `if (read.torn && read.torn === undefined) throw`,
    "damage in the middle of the log is taken for a torn end",
    WAL,
  ),
  row(
    "segments-of-another-log",
    RECOVERY,
    `if (head.previousChain !== before.chain) throw`,
    `if (head.previousChain === undefined) throw`,
    "a frame that is lost at a segment's end is not missed",
    WAL,
  ),
];

const snapshots = [
  row(
    "keys-without-their-leases",
    CODEC,
    `  store.finishRestore();\n`,
    ``,
    "after a restart leases end without their keys",
    SNAPSHOT,
  ),
  row(
    "old-versions-held-by-leases",
    STORE,
    `    this.addVersion(this.index.get(kv.key), kv, bytesOf(kv.value));\n  }`,
    `    this.addVersion(this.index.get(kv.key), kv, bytesOf(kv.value));\n    if (kv.lease !== "0") this.attach(kv);\n  }`,
    "a version whose lease has ended can't be read back",
    SNAPSHOT,
  ),
  row(
    "first-event-without-previous",
    CODEC,
    `writeEvent(writer, event, revision === this.from)`,
    `writeEvent(writer, event, false)`,
    "the first revision that is kept forgets what it replaced",
    SNAPSHOT,
  ),
  row(
    "snapshot-of-two-moments",
    CODEC,
    `return this.store.compactRevision !== this.compactRevision;`,
    `return this.store.compactRevision < this.compactRevision;`,
    "a snapshot is kept although a compaction took part of it away",
    SNAPSHOT,
  ),
];

const leases = [
  row(
    "renews-what-is-over",
    LEASE_CLOCK,
    `    if (deadline !== undefined && deadline.atMs <= nowMs) return false;\n`,
    ``,
    "a renewal is acknowledged although the end is under way",
    [...WATCHERS, ...TIMES],
  ),
  row(
    "ends-what-has-ended",
    LEASE_CLOCK,
    `  forget(id: string): void {\n    this.deadlines.delete(id);`,
    `  forget(id: string): void {\n    this.deadlines.get(id);`,
    "a lease that has ended is ended again and again",
    WATCHERS,
  ),
  row(
    "own-commands-outlive-the-term",
    MEMBER,
    `    this.own = [];\n`,
    ``,
    "a leader that leads again ends leases by the time of its first term",
    TIMES,
  ),
  row(
    "no-one-counts",
    MEMBER,
    `this.leases.leaderChanged(leader === this.peers.self);`,
    `this.leases.leaderChanged(false);`,
    "no lease ever ends",
    ACTOR,
  ),
  row(
    "waits-for-ever",
    LEASES,
    `        return this.ended(command.id);`,
    `        return;`,
    "a renewal that waits for the end is never answered",
    TIMES,
  ),
];

const watches = [
  row(
    "compaction-ahead-of-watchers",
    MEMBER,
    `    if (command.type === "compact") this.watches.flush();\n`,
    ``,
    "what a watcher was to get is compacted first",
    ACTOR,
  ),
  row(
    "progress-ahead-of-events",
    HUB,
    `!watcher.progressNotify || !watcher.synced`,
    `!watcher.progressNotify`,
    "a watcher that lags is told of progress that it has not made",
    WATCHERS,
  ),
  row(
    "slow-watchers-lose",
    HUB,
    `if (all.length > 0 && !deliver(watcher, all)) this.lag(watcher, first.revision);`,
    `if (all.length > 0) deliver(watcher, all);`,
    "what a slow watcher could not take is lost",
    WATCHERS,
  ),
  row(
    "gap-after-catching-up",
    HUB,
    `watcher.next = Math.max(watcher.next, through + 1);`,
    `watcher.next = Math.max(watcher.next, through + 2);`,
    "a watcher misses the first revision after it has caught up",
    WATCHERS,
  ),
  row(
    "gap-after-a-restore",
    HUB,
    `this.lag(watcher, revisionBefore + 1);`,
    `this.lag(watcher, revisionBefore + 2);`,
    "a watcher misses a revision when its store is replaced",
    WATCHERS,
  ),
];

const compaction = [
  row(
    "deletion-at-the-revision-goes",
    STORE,
    `last.version === 0 && last.modRevision < revision`,
    `last.version === 0 && last.modRevision <= revision`,
    "a watch from the compacted revision misses a deletion (etcd bug 19179)",
    KEPT,
  ),
  row(
    "history-begins-too-late",
    STORE,
    `const keepFrom = Math.max(revision, this.historyStart);`,
    `const keepFrom = Math.max(revision + 1, this.historyStart);`,
    "the compacted revision itself can't be watched any more",
    KEPT,
  ),
  row(
    "hash-of-what-is-gone",
    STORE,
    `      this.stateHash.remove(dropped, bytesOf(dropped.value));\n`,
    ``,
    "what is compacted stays in the hash",
    KEPT,
  ),
];

const syncs = [
  row("no-real-sync", DISK, `      await syncFile(this.descriptor);\n`, ``, "a sync does nothing", THREAD),
  row(
    "replaced-before-synced",
    DISK,
    `          if (options.fsync) await guarded(() => handle.sync(), aside);\n`,
    ``,
    "a file takes another's place before it is on disk",
    THREAD,
  ),
  row(
    "name-not-synced",
    DISK,
    `      await syncDirectory(dirname(path));\n`,
    ``,
    "the name of a replaced file is not on disk",
    THREAD,
  ),
  row(
    "directory-not-synced",
    DISK,
    `    for (const made of await guarded(() => makeDirectory(full))) await syncFolder(dirname(made));\n`,
    `    await guarded(() => makeDirectory(full));\n`,
    "the name of a new directory is not on disk",
    THREAD,
  ),
  row(
    "failed-sync-is-tried-again",
    DISK,
    `      throw new InkubeError("DISK_FAILED", saidOf(error, this.path), { cause: error });`,
    `      throw diskError(error, this.path);`,
    "a sync that failed for want of room counts as one that can be repeated",
    THREAD,
  ),
];

const full = [
  row(
    "takes-what-it-can't-write",
    MEMBER,
    `    if (this.storage.full !== undefined) throw this.noSpace();\n`,
    ``,
    "writes are taken although the disk is full",
    FULL,
  ),
  row(
    "leads-with-a-full-disk",
    MEMBER,
    `    if (this.storage.full !== undefined) this.raft.yieldToWriters();\n`,
    ``,
    "a leader that can't write holds up those that can",
    FULL,
  ),
  row(
    "yields-to-a-minority",
    "actors/etcd/core/raft/raft.ts",
    `    if (ahead.length < this.tracker.quorum) return;\n`,
    `    if (ahead.length === 0) return;\n`,
    "a leader gives way for an election that no one can win",
    FULL,
  ),
  row(
    "reads-wait-for-room",
    MEMBER,
    `    if (this.storage.full !== undefined) this.turnAway();\n`,
    ``,
    "reads at a member that can't catch up are not answered",
    FULL,
  ),
  row(
    "full-for-ever",
    STORAGE,
    `        return this.setFull(undefined);`,
    `        return;`,
    "writes are refused after there is room again",
    FULL,
  ),
];

export const variants = [...log, ...recovery, ...snapshots, ...leases, ...watches, ...compaction, ...syncs, ...full];
