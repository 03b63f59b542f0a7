/**
 * Node's modules as a module in the simulation has them: what computes is Node's own; what reads the machine's clock or its
 * chance is virtual; what reaches out of the process is refused by its name, when it is used and not when it is imported.
 */
import * as crypto from "node:crypto";
import * as dns from "node:dns";
import { EventEmitter } from "node:events";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as net from "node:net";
import * as os from "node:os";
import * as zlib from "node:zlib";
import type { Random } from "../../../../runtime/random.ts";
import { simIds } from "../../../../runtime/simulation/sim-ids.ts";

/** Refuses what a name stands for. */
export type Refuse = (name: string) => never;

/** Nothing but computation, within the turn. */
export const PLAIN: readonly string[] = [
  "assert",
  "assert/strict",
  "async_hooks",
  "buffer",
  "constants",
  "diagnostics_channel",
  "events",
  "path",
  "path/posix",
  "path/win32",
  "punycode",
  "querystring",
  "readline",
  "stream",
  "stream/consumers",
  "stream/promises",
  "stream/web",
  "string_decoder",
  "sys",
  "tty",
  "url",
  "util",
  "util/types",
  "vm",
];

const BYTE = 256;
const nodeRequire = createRequire(import.meta.url);

export function plainBuiltin(name: string): object {
  return nodeRequire(`node:${name}`) as object;
}

type Anything = Readonly<Record<string, unknown>>;

/**
 * All that a module exports, its functions refused but for some. A class may be extended, as libraries do when they are
 * imported; it can't be made.
 */
export function refusedBuiltin(name: string, refuse: Refuse, but: Anything = {}): object {
  const refused: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(nodeRequire(`node:${name}`) as Anything)) {
    if (Object.hasOwn(but, key)) continue;
    refused[key] = typeof value === "function" ? refusedFunction(value, `node:${name}.${key}`, refuse) : value;
  }
  return { ...refused, ...but };
}

function refusedFunction(own: object, name: string, refuse: Refuse): object {
  const refused = function (): never {
    return refuse(name);
  };
  const { prototype } = own as { readonly prototype?: object };
  if (prototype !== undefined) refused.prototype = Object.create(prototype) as object;
  return refused;
}

/** Files that are there: the credentials of the cluster. */
export function virtualFiles(
  files: ReadonlyMap<string, string>,
  refuse: Refuse,
): { readonly fs: object; readonly promises: object } {
  const textOf = (path: unknown): string | undefined => files.get(path instanceof URL ? path.pathname : String(path));
  const read = (path: unknown, how?: unknown): string | Buffer => {
    const text = textOf(path);
    if (text === undefined) return refuse(`node:fs of ${String(path)}`);
    const encoding = typeof how === "string" ? how : (how as { readonly encoding?: string } | undefined)?.encoding;
    return encoding === undefined || encoding === null ? Buffer.from(text) : text;
  };
  const later = (args: readonly unknown[], value: unknown): void => {
    const done = args.at(-1) as (error: null, value: unknown) => void;
    process.nextTick(() => done(null, value));
  };
  const plain = {
    existsSync: (path: unknown) => textOf(path) !== undefined,
    readFileSync: read,
    constants: fs.constants,
  };
  const promises = refusedBuiltin("fs/promises", refuse, {
    readFile: async (path: unknown, how?: unknown) => read(path, how),
    constants: fs.constants,
  });
  const callbacks = { readFile: (...args: readonly unknown[]) => later(args, read(args[0], args[1])) };
  return { fs: refusedBuiltin("fs", refuse, { ...plain, ...callbacks, promises }), promises };
}

/** `node:crypto` and the global `crypto`: what hashes is Node's own, what draws draws from the seed. */
export function virtualCrypto(random: Random, refuse: Refuse): { readonly node: object; readonly web: object } {
  const ids = simIds(random);
  const fill = <T extends ArrayBufferView>(view: T): T => {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    for (let index = 0; index < bytes.length; index++) bytes[index] = random.below(BYTE);
    return view;
  };
  const randomBytes = (size: number, done?: (error: null, bytes: Buffer) => void): Buffer | undefined => {
    const bytes = fill(Buffer.alloc(size));
    if (done === undefined) return bytes;
    process.nextTick(() => done(null, bytes));
  };
  const randomInt = (...args: readonly unknown[]): number | undefined => {
    const done = args.at(-1);
    const [first = 0, second] = args.filter((each) => typeof each === "number");
    const [least, beyond] = second === undefined ? [0, first] : [first, second];
    const drawn = least + random.below(beyond - least);
    if (typeof done !== "function") return drawn;
    process.nextTick(() => (done as (error: null, drawn: number) => void)(null, drawn));
  };
  const randomUUID = (): string => ids.uuid();
  const subtle = new Proxy(
    {},
    { get: (_, key) => (typeof key === "string" && key !== "then" ? refuse(`crypto.subtle.${key}`) : undefined) },
  );
  const web = { getRandomValues: fill, randomUUID, subtle };
  const byChance = Object.fromEntries(
    Object.keys(crypto)
      .filter((key) =>
        /^(generate|pbkdf2$|scrypt$|hkdf$|checkPrime|createDiffieHellman|createECDH|randomFill)/.test(key),
      )
      .map((key) => [key, () => refuse(`node:crypto.${key}`)]),
  );
  const node = { ...crypto, ...byChance, randomBytes, randomInt, randomUUID, randomFillSync: fill };
  return { node: { ...node, pseudoRandomBytes: randomBytes, getRandomValues: fill, webcrypto: web, subtle }, web };
}

export function virtualMath(random: Random): object {
  return Object.defineProperties(
    {},
    { ...Object.getOwnPropertyDescriptors(Math), random: { value: () => random.next() } },
  );
}

export function virtualOs(host: string, refuse: Refuse): object {
  const constant = { EOL: os.EOL, constants: os.constants, devNull: os.devNull };
  return refusedBuiltin("os", refuse, {
    ...constant,
    arch: () => os.arch(),
    endianness: () => os.endianness(),
    homedir: () => "/root",
    hostname: () => host,
    platform: () => os.platform(),
    release: () => "",
    tmpdir: () => "/tmp",
    type: () => os.type(),
  });
}

/** What compresses at once; the rest goes on in threads, whose order nobody knows. */
export function virtualZlib(refuse: Refuse): object {
  const atOnce = Object.entries(zlib).filter(
    ([key, value]) => typeof value !== "function" || /Sync$|^crc32$/.test(key),
  );
  return refusedBuiltin("zlib", refuse, Object.fromEntries(atOnce));
}

export function virtualNet(refuse: Refuse): object {
  return refusedBuiltin("net", refuse, { isIP: net.isIP, isIPv4: net.isIPv4, isIPv6: net.isIPv6 });
}

export function virtualDns(refuse: Refuse): object {
  const orders = { getDefaultResultOrder: dns.getDefaultResultOrder, setDefaultResultOrder: () => undefined };
  return refusedBuiltin("dns", refuse, orders);
}

export interface ProcessOptions {
  readonly file: string;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly hrtime: object;
  readonly uptimeMs: () => number;
  readonly write: (stream: "stdout" | "stderr", text: string) => void;
  readonly exit: (code: number) => never;
  readonly kill: (signal: string) => void;
  readonly refuse: Refuse;
}

const MS_PER_SECOND = 1_000;

/** `process`: it has its own listeners, environment and time. */
export class VirtualProcess extends EventEmitter {
  constructor(options: ProcessOptions) {
    super();
    const { env, file, directory, hrtime, uptimeMs, write, exit, kill, refuse } = options;
    const stream = (name: "stdout" | "stderr"): object =>
      Object.assign(new EventEmitter(), {
        isTTY: false,
        writable: true,
        write: (text: unknown) => {
          write(name, String(text));
          return true;
        },
        end: () => undefined,
      });
    Object.assign(this, {
      argv: [process.execPath, file],
      argv0: "node",
      execArgv: [],
      execPath: process.execPath,
      exitCode: undefined,
      title: "node",
      pid: 1,
      ppid: 0,
      arch: process.arch,
      platform: process.platform,
      version: process.version,
      versions: process.versions,
      release: process.release,
      features: process.features,
      config: process.config,
      env: { ...env },
      hrtime,
      stdout: stream("stdout"),
      stderr: stream("stderr"),
      cwd: () => directory,
      uptime: () => uptimeMs() / MS_PER_SECOND,
      nextTick: (action: (...args: unknown[]) => void, ...args: unknown[]) => process.nextTick(action, ...args),
      emitWarning: (warning: unknown) => write("stderr", String(warning)),
      exit: (code?: number) => exit(code ?? Number((this as { readonly exitCode?: unknown }).exitCode ?? 0)),
      abort: () => exit(1),
      kill: (_pid: number, signal = "SIGTERM") => kill(signal),
      umask: () => 0o022,
      getuid: () => 0,
      getgid: () => 0,
      memoryUsage: () => refuse("process.memoryUsage"),
      cpuUsage: () => refuse("process.cpuUsage"),
      resourceUsage: () => refuse("process.resourceUsage"),
      chdir: () => refuse("process.chdir"),
      binding: () => refuse("process.binding"),
    });
  }

  get [Symbol.toStringTag](): string {
    return "process";
  }
}

/** What is not collected while it is referred to anywhere would show when the collector runs: it stays. */
export class StrongRef<T> {
  private readonly target: T;

  constructor(target: T) {
    this.target = target;
  }

  deref(): T {
    return this.target;
  }
}

export class NoRegistry {
  register(): void {}

  unregister(): boolean {
    return false;
  }
}
