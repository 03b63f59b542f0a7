/**
 * Runs scenarios of pure Raft that are written down as commands, each with what comes of it, in the manner of etcd-io/raft's
 * `testdata`. A file is a list of blocks: a line with a command, lines of input, `----`, and the output up to an empty line.
 * `#` begins a comment. See `COMMANDS` for what there is.
 */
import { Raft } from "../../actors/etcd/core/raft/raft.ts";
import type { Change } from "../../actors/etcd/core/raft/membership.ts";
import { applyChange, NO_ONE, peerUrl } from "../../actors/etcd/core/raft/membership.ts";
import type { Progress } from "../../actors/etcd/core/raft/progress.ts";
import type { Tracker } from "../../actors/etcd/core/raft/tracker.ts";
import type { Entry, HardState, Message, Persist, Ready, Snapshot } from "../../actors/etcd/core/raft/types.ts";
import { membershipOf } from "../fixtures/membership.ts";

const ELECTION_TICKS = 10;
const HEARTBEAT_TICKS = 2;

interface Node {
  raft: Raft | undefined;
  hardState: HardState;
  snapshot: Snapshot;
  entries: Entry[];
  /** What is written and not yet synced; only of who holds its syncs back. */
  persist: Persist | undefined;
  holds: boolean;
  applied: string[];
}

interface Block {
  /** Comments and empty lines before the command. */
  readonly lead: readonly string[];
  readonly command: string;
  readonly input: readonly string[];
}

/** The same file with the output that its commands have now. */
export function rewrite(text: string): string {
  const interpreter = new Interpreter();
  const { blocks, rest } = parse(text);
  const parts = blocks.map(({ lead, command, input }) => {
    const output = interpreter.run(command, input);
    return [...lead, command, ...input, "----", ...output, ""].join("\n");
  });
  return [...parts, ...rest].join("\n").replace(/\n*$/, "\n");
}

function parse(text: string): { readonly blocks: readonly Block[]; readonly rest: readonly string[] } {
  const blocks: Block[] = [];
  let lead: string[] = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    if (line === "" || line.startsWith("#")) {
      lead.push(line);
      continue;
    }
    const input: string[] = [];
    while (lines[++at] !== "----") {
      if (at >= lines.length) throw new Error(`"${line}" has no ----`);
      input.push(lines[at]!);
    }
    while (at + 1 < lines.length && lines[at + 1] !== "") at++;
    // The empty line that ends the output.
    at++;
    blocks.push({ lead, command: line, input });
    lead = [];
  }
  return { blocks, rest: lead.filter((line) => line !== "") };
}

interface Given {
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
  readonly input: readonly string[];
}

class Interpreter {
  private readonly nodes: Map<number, Node> = new Map();
  private network: Message[] = [];
  private out: string[] = [];
  private quiet = false;
  /** Of each node, as it was told last. */
  private readonly told: Map<number, string> = new Map();

  run(command: string, input: readonly string[]): readonly string[] {
    const [name = "", ...args] = command.split(/ +(?![^(]*\))/);
    const options = new Map(args.flatMap((arg) => (arg.includes("=") ? [arg.split("=") as [string, string]] : [])));
    const work = COMMANDS[name];
    if (work === undefined) throw new Error(`there is no command ${name}`);
    this.out = [];
    work(this, { words: args.filter((arg) => !arg.includes("=")), options, input });
    if (this.quiet && !name.startsWith("raft-") && name !== "status") return ["ok (quiet)"];
    return this.out.length === 0 ? ["ok"] : this.out;
  }

  say(line: string): void {
    this.out.push(line);
  }

  setQuiet(quiet: boolean): void {
    this.quiet = quiet;
  }

  node(id: number): Node {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  raft(id: number): Raft {
    const { raft } = this.node(id);
    if (raft === undefined) throw new Error(`node ${id} does not run`);
    return raft;
  }

  get ids(): readonly number[] {
    return [...this.nodes.keys()].sort((a, b) => a - b);
  }

  add(id: number, snapshot: Snapshot): void {
    const { index, term } = snapshot;
    const hardState = { term, vote: 0, commit: index };
    this.nodes.set(id, {
      raft: undefined,
      hardState,
      snapshot,
      entries: [],
      persist: undefined,
      holds: false,
      applied: [],
    });
    this.start(id);
  }

  start(id: number): void {
    const node = this.node(id);
    const options = {
      electionTicks: ELECTION_TICKS,
      heartbeatTicks: HEARTBEAT_TICKS,
      messageBytesMax: 64,
      inflightMax: 3,
    };
    const { hardState, snapshot, entries } = node;
    node.raft = new Raft({ ...options, id, seed: id }, { hardState, snapshot, entries });
    node.persist = undefined;
    this.tell(id);
  }

  crash(id: number): void {
    const node = this.node(id);
    node.raft = undefined;
    node.persist = undefined;
    this.network = this.network.filter(({ from, to }) => from !== id && to !== id);
  }

  /** One line whenever a node is something else than before. */
  private tell(id: number): void {
    const { role, term, leader, isRemoved } = this.raft(id);
    const now = `${id} is ${role} in term ${term}${leader === 0 ? "" : `, led by ${leader}`}${isRemoved ? ", removed" : ""}`;
    if (this.told.get(id) === now) return;
    this.told.set(id, now);
    this.say(now);
  }

  /** Does what `ready()` says, until there is nothing more; true when there was something. */
  ready(id: number): boolean {
    const node = this.node(id);
    let any = false;
    for (let again = node.raft !== undefined; again;) {
      const ready = this.raft(id).ready();
      const didIt = this.handle(id, node, ready);
      any ||= didIt;
      again = didIt;
    }
    return any;
  }

  private handle(id: number, node: Node, ready: Ready): boolean {
    this.tell(id);
    const raft = this.raft(id);
    for (const message of ready.messages) {
      this.say(`  ${describe(message)}`);
      this.network.push(message);
    }
    for (const entry of ready.committed) {
      this.say(`  ${id} applies ${textOf(entry)}`);
      if (entry.type === "command" && entry.data.length > 0) node.applied.push(new TextDecoder().decode(entry.data));
    }
    for (const { index, changed } of ready.changes) {
      const group = raft.members.members.map((one) => `${one.id}${one.learner ? " (learner)" : ""}`).join(", ");
      this.say(`  ${id} at ${index}: ${changed.refusal === undefined ? `the group is ${group}` : changed.refusal}`);
      if (changed.refusal === undefined && !this.nodes.has(changed.peer.id)) {
        this.add(changed.peer.id, { index: 0, term: 0, membership: NO_ONE, data: new Uint8Array(0) });
      }
    }
    for (const { context, index } of ready.readStates) this.say(`  ${id} may answer read ${context} at ${index}`);
    for (const to of ready.snapshotsFor) {
      raft.sendSnapshot(to, { ...raft.snapshotMeta(), data: new TextEncoder().encode(node.applied.join()) });
    }
    if (ready.persist !== undefined) this.write(id, node, ready.persist);
    const { messages, committed, changes, readStates, snapshotsFor, persist } = ready;
    return (
      [messages, committed, changes, readStates, snapshotsFor].some(({ length }) => length > 0) || persist !== undefined
    );
  }

  private write(id: number, node: Node, persist: Persist): void {
    const { snapshot, entries, hardState } = persist;
    const what = [
      ...(snapshot === undefined ? [] : [`a snapshot of ${snapshot.term}/${snapshot.index}`]),
      ...(entries.length === 0 ? [] : [entries.map((entry) => textOf(entry)).join(", ")]),
    ];
    const state = `term ${hardState.term}, vote ${hardState.vote}, commit ${hardState.commit}`;
    this.say(`  ${id} writes ${[...what, state].join("; ")}`);
    node.persist = persist;
    if (!node.holds) this.sync(id);
  }

  sync(id: number): void {
    const node = this.node(id);
    const { persist } = node;
    if (persist === undefined) return;
    node.persist = undefined;
    if (persist.snapshot !== undefined) {
      node.snapshot = persist.snapshot;
      node.entries = [];
      node.applied = new TextDecoder()
        .decode(persist.snapshot.data)
        .split(",")
        .filter((one) => one !== "");
    }
    for (const entry of persist.entries) {
      node.entries.length = entry.index - node.snapshot.index - 1;
      node.entries.push(entry);
    }
    node.hardState = persist.hardState;
    this.raft(id).persisted();
  }

  /** Delivers what is on its way to `to`, but for what is dropped; true when there was something. */
  deliver(to: number, drops: (message: Message) => boolean): boolean {
    const mine = this.network.filter((message) => message.to === to);
    this.network = this.network.filter((message) => message.to !== to);
    for (const message of mine) {
      const { raft } = this.node(to);
      const isLost = drops(message) || raft === undefined;
      if (isLost) this.say(`  lost: ${describe(message)}`);
      else raft.step(message);
    }
    return mine.length > 0;
  }

  stabilize(ids: readonly number[]): void {
    for (let busy = true; busy;) {
      busy = false;
      for (const id of ids) if (this.ready(id)) busy = true;
      for (const id of ids) if (this.nodes.has(id) && this.deliver(id, () => false)) busy = true;
      if (ids.length === this.nodes.size - 1 && !busy) break;
    }
  }
}

function textOf({ term, index, type, data }: Entry): string {
  const what = type === "change" ? " (change)" : data.length === 0 ? "" : ` "${new TextDecoder().decode(data)}"`;
  return `${term}/${index}${what}`;
}

function describe(message: Message): string {
  const { type, from, to, term } = message;
  const {
    ["type"]: _t,
    ["from"]: _f,
    ["to"]: _o,
    ["term"]: _m,
    ...body
  } = message as Message & Record<string, unknown>;
  const says = Object.entries(body).map(([key, value]) => {
    if (key === "entries") return `entries [${(value as readonly Entry[]).map(textOf).join(", ")}]`;
    if (key === "snapshot") return `of ${(value as Snapshot).term}/${(value as Snapshot).index}`;
    return `${key} ${String(value)}`;
  });
  return [`${from}->${to} ${type} in term ${term}`, ...says].join(", ");
}

const numbers = (text: string | undefined): readonly number[] => (text?.match(/\d+/g) ?? []).map(Number);

function changeOf(line: string): Change {
  const [type, what = "", how] = line.split(" ");
  if (type === "add") return { type, name: what, peerUrls: [peerUrl(what)], learner: how === "learner" };
  if (type === "promote" || type === "remove" || type === "replace") return { type, id: Number(what) };
  throw new Error(`there is no change ${line}`);
}

type Command = (world: Interpreter, given: Given) => void;

const COMMANDS: Readonly<Record<string, Command>> = {
  /** `add-nodes voters=(1,2,3) learners=(4) index=10`: they begin with a snapshot of that index, of term 1. */
  "add-nodes": (world, { options }) => {
    const [voters, learners] = [numbers(options.get("voters")), numbers(options.get("learners"))];
    const index = Number(options.get("index") ?? 0);
    const membership = membershipOf(voters, learners);
    for (const id of [...voters, ...learners])
      world.add(id, { index, term: index === 0 ? 0 : 1, membership, data: new Uint8Array(0) });
  },
  campaign: (world, { words }) => {
    world.raft(Number(words[0])).campaign();
  },
  /** `tick 1 10` */
  tick: (world, { words }) => {
    for (let left = Number(words[1] ?? 1); left > 0; left--) world.raft(Number(words[0])).tick();
  },
  "process-ready": (world, { words }) => {
    for (const id of words.map(Number)) world.ready(id);
  },
  /** `deliver-msgs 1 2 drop=3 type=append`: loses what comes from 3, and what is of that type. */
  "deliver-msgs": (world, { words, options }) => {
    const drop = numbers(options.get("drop"));
    const type = options.get("type");
    for (const id of words.map(Number))
      world.deliver(id, (message) => drop.includes(message.from) || message.type === type);
  },
  /** Among the nodes named, or all of them. */
  stabilize: (world, { words }) => {
    world.stabilize(words.length === 0 ? world.ids : words.map(Number));
  },
  propose: (world, { words }) => {
    const isTaken = world.raft(Number(words[0])).propose([new TextEncoder().encode(words[1])]);
    if (!isTaken) world.say("not taken");
  },
  /** With the change as input: `add etcd-3 learner`, `promote 4`, `remove 3`, `replace 2`. */
  "propose-conf-change": (world, { words, input }) => {
    const raft = world.raft(Number(words[0]));
    const change = changeOf(input[0] ?? "");
    const would = applyChange(raft.members, change, raft.log.last + 1);
    if (would.refusal !== undefined) world.say(`will be refused: ${would.refusal}`);
    if (!raft.proposeChange(change)) world.say("not taken");
  },
  "transfer-leadership": (world, { options }) => {
    const isTaken = world.raft(Number(options.get("from"))).transferLeader(Number(options.get("to")));
    if (!isTaken) world.say("not taken");
  },
  /** `read-index 1 7`: 7 is the number by which the answer is known. */
  "read-index": (world, { words }) => {
    if (!world.raft(Number(words[0])).readIndex(Number(words[1]))) world.say("nobody to ask");
  },
  /** `compact 1 12` */
  compact: (world, { words }) => {
    const [id, index] = words.map(Number) as [number, number];
    const { log } = world.raft(id);
    log.compact(index);
    world.say(`the log of ${id} begins at ${log.first}`);
  },
  /** What is not synced is lost, and so is all that is on its way from it and to it. */
  crash: (world, { words }) => {
    for (const id of words.map(Number)) world.crash(id);
  },
  restart: (world, { words }) => {
    for (const id of words.map(Number)) world.start(id);
  },
  /** `peer-down 3 at=(1,2)`: the runtime says so. */
  "peer-down": (world, { words, options }) => {
    for (const id of numbers(options.get("at"))) world.raft(id).peerDown(Number(words[0]));
  },
  "hold-sync": (world, { words }) => {
    for (const id of words.map(Number)) world.node(id).holds = true;
  },
  /** Ends the sync under way, and goes on syncing at once. */
  sync: (world, { words }) => {
    for (const id of words.map(Number)) {
      world.node(id).holds = false;
      world.sync(id);
    }
  },
  /** `log-level none` tells of nothing but what is asked for; `log-level debug` of everything. */
  "log-level": (world, { words }) => {
    world.setQuiet(words[0] === "none");
  },
  "raft-state": (world) => {
    for (const id of world.ids) {
      const { raft } = world.node(id);
      if (raft === undefined) world.say(`${id}: down`);
      else world.say(`${id}: ${raft.role}, term ${raft.term}, leader ${raft.leader}`);
    }
  },
  /** `raft-log 1` */
  "raft-log": (world, { words }) => {
    const { log } = world.raft(Number(words[0]));
    world.say(
      `from ${log.first} to ${log.last}, committed ${log.committed}, applied ${log.applied}, stable ${log.stable}`,
    );
    for (const entry of log.slice(log.first, Infinity)) world.say(`  ${textOf(entry)}`);
  },
  /** What a leader knows of the others. */
  status: (world, { words }) => {
    const raft = world.raft(Number(words[0]));
    for (const [id, one] of (raft as unknown as { readonly tracker: Tracker }).tracker.progress)
      world.say(progressOf(id, one));
  },
};

function progressOf(id: number, one: Progress): string {
  const marks = [...(one.learner ? ["learner"] : []), ...(one.paused ? ["paused"] : []), ...(one.down ? ["down"] : [])];
  const pending = one.pendingSnapshot === 0 ? "" : `, snapshot ${one.pendingSnapshot} under way`;
  return `${id}: ${one.state}, match ${one.match}, next ${one.next}${pending}${marks.map((mark) => `, ${mark}`).join("")}`;
}
