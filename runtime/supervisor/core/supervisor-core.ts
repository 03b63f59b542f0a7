/**
 * The state machine of a supervision tree: what happened goes in, what the host must do comes out. It decides for nested
 * supervisors as well, so a host only ever starts, stops and kills actors. Time (`nowMs`, never going back) and randomness
 * (`random`, uniform in [0, 1)) are arguments.
 *
 * The host's duties: after `start`, exactly one `childStarted` or `childDown`; after the first, at some time, one
 * `childDown`; also after `stop` and `kill`. It kills a child that does not stop within `deadlineMs`.
 *
 * Every input changes the state of some nodes, then `advance` compares what each supervisor wants with what is, and says
 * the next commands. A supervisor restart is the start of a new sequence: a group of children that waits until all of
 * it has stopped and its back-off is over, then starts in order.
 *
 * @see Erlang/OTP, `supervisor`: Restart Strategy, Maximum Restart Intensity, Starting and Stopping Supervisors
 */
import { InkubeError } from "../../../protocols/errors.ts";
import type { ChildSpec, SupervisorSpec } from "../spec.ts";
import { isSupervisor } from "../spec.ts";

export type SupervisorCommand =
  | { readonly type: "start"; readonly child: ChildSpec }
  | { readonly type: "stop"; readonly child: string; readonly deadlineMs: number }
  | { readonly type: "kill"; readonly child: string }
  | { readonly type: "set-timer"; readonly timer: string; readonly delayMs: number }
  | { readonly type: "cancel-timer"; readonly timer: string }
  /** The rest tells, and asks for nothing. `up` of a supervisor: all of its children are up for the first time. */
  | { readonly type: "up"; readonly name: string }
  | { readonly type: "down"; readonly name: string; readonly reason: string }
  /** A child has come to a running tree, with everything below it, and is about to be started. */
  | { readonly type: "added"; readonly name: string; readonly under: string }
  /** A child has left the tree for good; `actors` are those of it and below it. */
  | { readonly type: "removed"; readonly name: string; readonly actors: readonly string[] }
  | { readonly type: "restart"; readonly name: string; readonly inARow: number; readonly delayMs: number }
  /** More restarts than the intensity allows: the supervisor stops its children and its own parent decides. */
  | { readonly type: "escalate"; readonly supervisor: string; readonly child: string; readonly reason: string }
  /** The root has ended, and every actor with it. */
  | { readonly type: "terminated"; readonly reason: "normal" | typeof INTENSITY_EXCEEDED };

/** Why a supervisor that gave up is down. */
export const INTENSITY_EXCEEDED = "intensity-exceeded";

/** `backoff`: waits to be restarted. `ended`: down for good, or taken out on purpose. */
export type ChildState = "ended" | "backoff" | "starting" | "up" | "stopping";

export interface ChildStatus {
  readonly name: string;
  readonly state: ChildState;
  /** Restarts since the tree was made. */
  readonly restarts: number;
  /** Crashes in a row; 0 again after health. */
  readonly inARow: number;
}

/** Holds a sequence back until its back-off is over. */
interface Gate {
  readonly timer: string;
  readonly opensAtMs: number;
  open: boolean;
}

interface Node {
  spec: ChildSpec | SupervisorSpec;
  readonly parent: SupervisorNode | undefined;
  state: "down" | "starting" | "up" | "stopping";
  /** Its supervisor wants it to run; false once it has ended for good. */
  wanted: boolean;
  /** Taken out on purpose. */
  held: boolean;
  /** Leaves the tree when it is down. */
  leaving: boolean;
  /** Started to see whether it lives: its end is not its supervisor's matter. */
  onTrial: boolean;
  /** Must end before the sequence that it belongs to starts. */
  mustStop: boolean;
  /** Its supervisor has asked it to stop, so its end is no crash. */
  asked: boolean;
  killAsked: boolean;
  /** The group that it is to be started with; undefined once it is up. */
  sequence: number | undefined;
  gate: Gate | undefined;
  upSinceMs: number;
  inARow: number;
  restarts: number;
}

interface SupervisorNode extends Node {
  readonly spec: SupervisorSpec;
  readonly children: Node[];
  readonly timers: Set<string>;
  restartTimesMs: number[];
  failing: boolean;
}

export class SupervisorCore {
  private readonly root: SupervisorNode;
  private readonly nodes = new Map<string, Node>();
  private readonly gates = new Map<string, { readonly gate: Gate; readonly owner: SupervisorNode }>();
  private commands: SupervisorCommand[] = [];
  private nextSequence = 1;
  private nowMs = 0;

  /** `spec` has passed `checkSpec`. */
  constructor(spec: SupervisorSpec) {
    this.root = this.makeNode(spec, undefined) as SupervisorNode;
  }

  start(nowMs: number): readonly SupervisorCommand[] {
    return this.input(nowMs, () => {
      if (this.root.state === "down") this.startNode(this.root);
    });
  }

  stop(nowMs: number): readonly SupervisorCommand[] {
    return this.input(nowMs, () => this.stopNode(this.root, false));
  }

  /** Ends everything, as when the root's own intensity is exceeded. */
  giveUp(reason: string, nowMs: number): readonly SupervisorCommand[] {
    return this.input(nowMs, () => {
      const { root } = this;
      if (root.state === "down" || root.state === "stopping") return;
      this.say({ type: "escalate", supervisor: root.spec.name, child: root.spec.name, reason });
      root.failing = true;
      this.beginStop(root);
      this.advance(root);
    });
  }

  childStarted(name: string, nowMs: number): readonly SupervisorCommand[] {
    return this.input(nowMs, () => {
      const node = this.find(name);
      // A child that is asked to stop while it starts may still report its start.
      if (node.state === "starting") this.nodeUp(node);
    });
  }

  childDown(name: string, reason: string, nowMs: number, random: number): readonly SupervisorCommand[] {
    return this.input(nowMs, () => {
      const node = this.find(name);
      if (node.state === "down") throw new Error(`${name} went down twice`);
      this.nodeDown(node, reason, random);
    });
  }

  timerFired(timer: string, nowMs: number): readonly SupervisorCommand[] {
    return this.input(nowMs, () => {
      const known = this.gates.get(timer);
      if (known === undefined) return;
      this.gates.delete(timer);
      known.owner.timers.delete(timer);
      known.gate.open = true;
      this.advance(known.owner);
    });
  }

  /**
   * Takes a child (an actor, or a supervisor with all of its children) out on purpose: it ends and is not restarted
   * until `startChild`. `kill`: without a graceful stop, all at once. `down` tells when it has ended.
   */
  stopChild(name: string, nowMs: number, options: { readonly kill: boolean }): readonly SupervisorCommand[] {
    return this.input(nowMs, () => this.takeOut(this.find(name), options.kill));
  }

  /**
   * Adds a child to a supervisor that is up, to the right of its others. It is as one that was taken out: `startChild`
   * starts it. The tree with it has passed `checkSpec`. Errors: INVALID_ARGUMENT, ACTOR_DOWN.
   */
  addChild(under: string, spec: ChildSpec | SupervisorSpec, nowMs: number): readonly SupervisorCommand[] {
    return this.input(nowMs, () => {
      const parent = this.find(under);
      if (!isSupervisorNode(parent))
        throw new InkubeError("INVALID_ARGUMENT", `${under} is an actor, not a supervisor`);
      if (parent.state !== "up") {
        throw new InkubeError("ACTOR_DOWN", `${under} is not up; add to it when it is`, { retryable: true });
      }
      const node = this.makeNode(spec, parent);
      node.held = true;
      parent.children.push(node);
      this.say({ type: "added", name: spec.name, under });
    });
  }

  /** As `stopChild`, and it leaves the tree, with everything below it, when it is down: `removed` tells. */
  removeChild(name: string, nowMs: number, options: { readonly kill: boolean }): readonly SupervisorCommand[] {
    return this.input(nowMs, () => {
      const node = this.find(name);
      node.leaving = node.parent !== undefined;
      this.takeOut(node, options.kill);
      // One that ended within this step has left already.
      if (node.state === "down" && this.nodes.get(name) === node) this.leave(node);
    });
  }

  /**
   * Starts a child again that was taken out or has ended for good. `onTrial`: its end, for whatever reason, is no crash but
   * takes it out again, until `endTrial`.
   */
  startChild(
    name: string,
    nowMs: number,
    options: { readonly onTrial: boolean } = { onTrial: false },
  ): readonly SupervisorCommand[] {
    return this.input(nowMs, () => {
      const node = this.find(name);
      if (node.leaving) throw new InkubeError("INVALID_ARGUMENT", `${name} is being removed`);
      const ended = node.state === "down" && !node.wanted;
      if (node.parent === undefined || (!node.held && !ended)) return;
      node.held = false;
      node.wanted = true;
      node.onTrial = options.onTrial;
      node.inARow = 0;
      node.gate = undefined;
      node.sequence = this.nextSequence++;
      this.advance(node.parent);
    });
  }

  /** It is supervised as others are from now on. False when it has ended meanwhile. */
  endTrial(name: string): boolean {
    const node = this.find(name);
    const lasted = node.onTrial && node.state === "up";
    node.onTrial = false;
    return lasted;
  }

  /** What a child that was taken out is to be started as. */
  changeChild(spec: ChildSpec): void {
    const node = this.find(spec.name);
    if (isSupervisorNode(node) || node.state !== "down") throw new Error(`${spec.name} is not an actor that is down`);
    node.spec = spec;
  }

  /** Errors: INVALID_ARGUMENT. */
  specOf(name: string): ChildSpec {
    const { spec } = this.find(name);
    if (isSupervisor(spec)) throw new InkubeError("INVALID_ARGUMENT", `${name} is a supervisor, not an actor`);
    return spec;
  }

  /** Of the root: undefined. */
  parentOf(name: string): string | undefined {
    return this.find(name).parent?.spec.name;
  }

  has(name: string): boolean {
    return this.nodes.has(name);
  }

  get(name: string): ChildStatus {
    return statusOf(this.find(name));
  }

  /** Every actor and supervisor, parents first, from left to right. */
  status(): readonly ChildStatus[] {
    return nodesOf(this.root).map(statusOf);
  }

  /** The tree, or a part of it, as it is now: with what was added and upgraded, and without what was removed. */
  spec(): SupervisorSpec;
  spec(name: string): ChildSpec | SupervisorSpec;
  spec(name: string = this.root.spec.name): ChildSpec | SupervisorSpec {
    return specNow(this.find(name));
  }

  private makeNode(spec: ChildSpec | SupervisorSpec, parent: SupervisorNode | undefined): Node {
    const node: Node = {
      spec,
      parent,
      state: "down",
      wanted: false,
      held: false,
      leaving: false,
      onTrial: false,
      mustStop: false,
      asked: false,
      killAsked: false,
      sequence: undefined,
      gate: undefined,
      upSinceMs: 0,
      inARow: 0,
      restarts: 0,
    };
    this.nodes.set(spec.name, node);
    if (!isSupervisor(spec)) return node;
    const supervisor: SupervisorNode = Object.assign(node, {
      spec,
      children: [],
      timers: new Set<string>(),
      restartTimesMs: [],
      failing: false,
    });
    for (const child of spec.children) supervisor.children.push(this.makeNode(child, supervisor));
    return supervisor;
  }

  private find(name: string): Node {
    const node = this.nodes.get(name);
    if (node === undefined) throw new InkubeError("INVALID_ARGUMENT", `there is no child ${name}`);
    return node;
  }

  private takeOut(node: Node, kill: boolean): void {
    const { parent } = node;
    if (parent === undefined) {
      throw new InkubeError("INVALID_ARGUMENT", `${node.spec.name} is the root; stop it instead`);
    }
    node.held = true;
    if (node.state !== "down") this.stopNode(node, kill);
    this.advance(parent);
  }

  private leave(node: Node): void {
    const below = nodesOf(node);
    for (const { spec } of below) this.nodes.delete(spec.name);
    const siblings = node.parent!.children;
    siblings.splice(siblings.indexOf(node), 1);
    const actors = below.filter(({ spec }) => !isSupervisor(spec)).map(({ spec }) => spec.name);
    this.say({ type: "removed", name: node.spec.name, actors });
  }

  private input(nowMs: number, change: () => void): readonly SupervisorCommand[] {
    this.nowMs = nowMs;
    this.commands = [];
    change();
    return this.commands;
  }

  private say(command: SupervisorCommand): void {
    this.commands.push(command);
  }

  private startNode(node: Node): void {
    node.state = "starting";
    node.asked = false;
    node.killAsked = false;
    if (!isSupervisorNode(node)) return this.say({ type: "start", child: node.spec as ChildSpec });
    node.restartTimesMs = [];
    node.failing = false;
    const sequence = this.nextSequence++;
    for (const child of node.children) {
      child.wanted = true;
      child.onTrial = false;
      child.mustStop = false;
      child.inARow = 0;
      child.gate = undefined;
      child.sequence = sequence;
    }
    this.advance(node);
  }

  private stopNode(node: Node, kill: boolean): void {
    if (node.state === "down") return;
    node.asked = true;
    if (isSupervisorNode(node)) {
      this.beginStop(node);
      node.killAsked ||= kill;
      this.advance(node);
      return;
    }
    if (kill && !node.killAsked) {
      node.killAsked = true;
      node.state = "stopping";
      this.say({ type: "kill", child: node.spec.name });
    } else if (node.state !== "stopping") {
      node.state = "stopping";
      this.say({ type: "stop", child: node.spec.name, deadlineMs: (node.spec as ChildSpec).shutdownMs });
    }
  }

  private beginStop(supervisor: SupervisorNode): void {
    supervisor.state = "stopping";
    for (const timer of supervisor.timers) {
      this.gates.delete(timer);
      this.say({ type: "cancel-timer", timer });
    }
    supervisor.timers.clear();
  }

  private nodeUp(node: Node): void {
    node.state = "up";
    node.upSinceMs = this.nowMs;
    // One that must stop again keeps the sequence that it is to be restarted with.
    if (!node.mustStop) {
      node.sequence = undefined;
      node.gate = undefined;
    }
    this.say({ type: "up", name: node.spec.name });
    if (node.parent !== undefined) this.advance(node.parent);
  }

  private nodeDown(node: Node, reason: string, random: number): void {
    node.state = "down";
    this.say({ type: "down", name: node.spec.name, reason });
    if (node.leaving) this.leave(node);
    const parent = node.parent;
    if (parent === undefined) {
      return this.say({ type: "terminated", reason: reason === INTENSITY_EXCEEDED ? INTENSITY_EXCEEDED : "normal" });
    }
    if (node.onTrial) {
      node.onTrial = false;
      node.held = true;
    }
    const expected = node.asked || node.mustStop || node.held || parent.state === "stopping";
    if (!expected) this.crashed(parent, node, reason, random);
    this.advance(parent, random);
  }

  private crashed(parent: SupervisorNode, node: Node, reason: string, random: number): void {
    const restart = isSupervisor(node.spec) ? "permanent" : node.spec.restart;
    if (restart === "temporary" || (restart === "transient" && reason === "normal")) {
      node.wanted = false;
      return this.autoShutdown(parent, node);
    }
    const { intensity, backoff, strategy } = parent.spec;
    parent.restartTimesMs = parent.restartTimesMs.filter((timeMs) => timeMs > this.nowMs - intensity.periodMs);
    parent.restartTimesMs.push(this.nowMs);
    if (parent.restartTimesMs.length > intensity.restarts) {
      this.say({ type: "escalate", supervisor: parent.spec.name, child: node.spec.name, reason });
      parent.failing = true;
      return this.beginStop(parent);
    }
    const wasUp = node.sequence === undefined;
    if (wasUp && this.nowMs - node.upSinceMs >= backoff.resetAfterMs) node.inARow = 0;
    node.inARow++;
    node.restarts++;
    const exponential = Math.min(backoff.maxMs, backoff.initialMs * backoff.factor ** (node.inARow - 2));
    const delayMs = node.inARow === 1 ? 0 : exponential * (1 - backoff.jitter * random);
    this.say({ type: "restart", name: node.spec.name, inARow: node.inARow, delayMs });
    if (strategy === "one_for_one") {
      // Siblings that wait for it in its first sequence go on waiting.
      if (wasUp) node.sequence = this.nextSequence++;
      node.gate = this.makeGate(parent, this.nowMs + delayMs);
      return;
    }
    const from = strategy === "one_for_all" ? 0 : parent.children.indexOf(node);
    this.restartGroup(parent, parent.children.slice(from), node, this.nowMs + delayMs);
  }

  /** OTP's `auto_shutdown`: a supervisor that is there for the sake of some children ends with them. */
  private autoShutdown(parent: SupervisorNode, ended: Node): void {
    const significant = (node: Node): boolean => !isSupervisor(node.spec) && node.spec.significant === true;
    const when = parent.spec.autoShutdown ?? "never";
    if (when === "never" || !significant(ended)) return;
    if (when === "all_significant" && parent.children.some((node) => significant(node) && node.wanted)) return;
    // Its end is normal and asked for by its spec, so its own parent does not start it again.
    parent.wanted = false;
    parent.asked = true;
    this.beginStop(parent);
  }

  private restartGroup(parent: SupervisorNode, group: readonly Node[], crashed: Node, opensAtMs: number): void {
    const members = group.filter((node) => node.wanted);
    let latestMs = opensAtMs;
    for (const { gate } of members) if (gate?.open === false) latestMs = Math.max(latestMs, gate.opensAtMs);
    const gate = this.makeGate(parent, latestMs);
    const sequence = this.nextSequence++;
    for (const node of members) {
      node.sequence = sequence;
      node.gate = gate;
      if (node === crashed) continue;
      node.mustStop = node.state !== "down";
      if (!isSupervisor(node.spec) && node.spec.restart === "temporary") node.wanted = false;
    }
  }

  private makeGate(owner: SupervisorNode, opensAtMs: number): Gate | undefined {
    if (opensAtMs <= this.nowMs) return undefined;
    const gate: Gate = { timer: `${owner.spec.name}:${this.nextSequence++}`, opensAtMs, open: false };
    this.gates.set(gate.timer, { gate, owner });
    owner.timers.add(gate.timer);
    this.say({ type: "set-timer", timer: gate.timer, delayMs: opensAtMs - this.nowMs });
    return gate;
  }

  private advance(supervisor: SupervisorNode, random = 0): void {
    switch (supervisor.state) {
      case "down":
        return;
      case "stopping":
        return this.advanceStop(supervisor, random);
      case "starting":
      case "up":
        this.stopGroup(supervisor);
        this.startReady(supervisor);
        if (supervisor.state === "starting" && supervisor.children.every(isSettled)) this.nodeUp(supervisor);
        return;
    }
  }

  private advanceStop(supervisor: SupervisorNode, random: number): void {
    const together = supervisor.killAsked || supervisor.spec.startInParallel === true;
    // A copy: whom this ends may leave the tree.
    for (const child of [...supervisor.children].reverse()) {
      if (child.state === "down") continue;
      if (!child.asked || (supervisor.killAsked && !child.killAsked)) this.stopNode(child, supervisor.killAsked);
      // Stopping a supervisor without actors ends it, and this one with it.
      if (supervisor.state === "down") return;
      if (!together && (child.state as Node["state"]) !== "down") return;
    }
    if (supervisor.children.some((child) => child.state !== "down")) return;
    this.nodeDown(supervisor, supervisor.failing ? INTENSITY_EXCEEDED : "normal", random);
  }

  /** Stops what must end before a sequence starts: from right to left, or all at once. */
  private stopGroup(supervisor: SupervisorNode): void {
    const together = supervisor.spec.startInParallel === true;
    for (const child of [...supervisor.children].reverse()) {
      if (!child.mustStop) continue;
      if (child.state !== "down" && !child.asked) this.stopNode(child, false);
      if (child.state === "down") child.mustStop = false;
      else if (!together) return;
    }
  }

  private startReady(supervisor: SupervisorNode): void {
    for (const child of [...supervisor.children]) {
      if (!mayStart(supervisor, child)) continue;
      this.startNode(child);
      // A supervisor without actors is up at once, and its `nodeUp` has been here already.
      if (supervisor.state !== "starting" && supervisor.state !== "up") return;
    }
  }
}

function mayStart(supervisor: SupervisorNode, child: Node): boolean {
  if (child.state !== "down" || !isDue(child)) return false;
  if (child.mustStop || child.gate?.open === false) return false;
  const ordered = supervisor.spec.startInParallel !== true;
  let before = true;
  for (const sibling of supervisor.children) {
    if (sibling === child) before = false;
    else if (sibling.mustStop) return false;
    else if (before && ordered && sibling.sequence === child.sequence && isDue(sibling)) return false;
  }
  return true;
}

/** Whether it is to be started: a sequence is left when the child is up. */
function isDue(node: Node): boolean {
  return node.wanted && !node.held && node.sequence !== undefined;
}

function isSettled(node: Node): boolean {
  return !isDue(node);
}

function isSupervisorNode(node: Node): node is SupervisorNode {
  return isSupervisor(node.spec);
}

/** It and everything below it, parents first, from left to right. */
function nodesOf(node: Node): readonly Node[] {
  return isSupervisorNode(node) ? [node, ...node.children.flatMap(nodesOf)] : [node];
}

function specNow(node: SupervisorNode): SupervisorSpec;
function specNow(node: Node): ChildSpec | SupervisorSpec;
function specNow(node: Node): ChildSpec | SupervisorSpec {
  return isSupervisorNode(node) ? { ...node.spec, children: node.children.map((child) => specNow(child)) } : node.spec;
}

function statusOf(node: Node): ChildStatus {
  const waits = node.wanted && !node.held && node.parent?.state !== "stopping" && node.parent?.state !== "down";
  const state: ChildState =
    node.state !== "down" ? node.state : waits && node.parent !== undefined ? "backoff" : "ended";
  return { name: node.spec.name, state, restarts: node.restarts, inARow: node.inARow };
}
