/**
 * What an image name runs. There is no registry and no content: a name stands for a JavaScript module, for a command of
 * this machine, or for a simulation.
 */
import { InkubeError } from "../../../protocols/errors.ts";

/** How a user registers an image. `module` is a file URL or an absolute path when it gets here. */
export type ImageRegistration =
  | {
      /** Runs on a worker thread of its own. */
      readonly module: string;
      readonly args?: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
    }
  | {
      /** Runs as a child process. */
      readonly command: readonly string[];
      readonly args?: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
      readonly workingDir?: string;
    }
  | { readonly simulated: true };

export type ImageTable = Readonly<Record<string, ImageRegistration>>;

export type BuiltInModule = "web-server" | "agnhost";

/** What is started for a container. */
export type Program =
  | {
      readonly driver: "thread";
      /** A module of ours by name, or a user's by URL or path. */
      readonly module: { readonly builtIn: BuiltInModule } | { readonly url: string };
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | {
      readonly driver: "process";
      readonly argv: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly workingDir?: string;
      /** Paths of this machine in the image's own command: its files, so to speak. */
      readonly files?: readonly string[];
    }
  | { readonly driver: "simulated" };

/** `nginx` -> `docker.io/library/nginx:latest`, as the reference grammar of distribution/reference says. */
export function normalizeImage(image: string): { readonly repository: string; readonly tag: string } {
  const withoutDigest = image.split("@", 1)[0] ?? image;
  const colon = withoutDigest.lastIndexOf(":");
  const hasTag = colon > withoutDigest.lastIndexOf("/");
  const name = hasTag ? withoutDigest.slice(0, colon) : withoutDigest;
  const tag = hasTag ? withoutDigest.slice(colon + 1) : "latest";
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  if (slash < 0) return { repository: `docker.io/library/${name}`, tag };
  const isHost = first.includes(".") || first.includes(":") || first === "localhost";
  return { repository: isHost ? name : `docker.io/${name}`, tag };
}

/** Path components and a host, tag and digest of an image's name. @see the grammar of distribution/reference */
const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const HOST = "(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?";
const TAG = "\\w[\\w.-]{0,127}";
const DIGEST = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
const REFERENCE: RegExp = new RegExp(`^(?:${HOST}/)?${COMPONENT}(?:/${COMPONENT})*(?::${TAG})?(?:@${DIGEST})?$`);

/** What is wrong with the name of an image, in the words of distribution/reference; undefined when it is well formed. */
export function imageNameFault(image: string): string | undefined {
  if (REFERENCE.test(image)) return undefined;
  const { repository } = normalizeImage(image);
  const path = repository.slice(repository.indexOf("/") + 1);
  const isCase = path !== path.toLowerCase() && REFERENCE.test(image.toLowerCase());
  const why = isCase
    ? `invalid reference format: repository name (${path}) must be lowercase`
    : "invalid reference format";
  return `couldn't parse image name "${image}": ${why}`;
}

type BuiltIn = "pause" | "node" | "shell" | BuiltInModule;

/** Repositories that run without being registered. */
const BUILT_IN: Readonly<Record<string, BuiltIn>> = {
  "registry.k8s.io/pause": "pause",
  "docker.io/library/pause": "pause",
  "docker.io/library/nginx": "web-server",
  "docker.io/library/httpd": "web-server",
  "registry.k8s.io/nginx": "web-server",
  "registry.k8s.io/e2e-test-images/agnhost": "agnhost",
  "registry.k8s.io/e2e-test-images/nginx": "web-server",
  "registry.k8s.io/e2e-test-images/httpd": "web-server",
  "registry.k8s.io/e2e-test-images/busybox": "shell",
  "docker.io/library/agnhost": "agnhost",
  "docker.io/library/node": "node",
  "docker.io/library/busybox": "shell",
  "docker.io/library/alpine": "shell",
  "gcr.io/google_containers/busybox": "shell",
};

export interface ImageOptions {
  readonly images: ImageTable;
  /** `simulated` runs every image on the simulated driver, known or not. */
  readonly pods: "real" | "simulated";
}

export type FoundImage = { readonly builtIn: BuiltIn } | { readonly registered: ImageRegistration };

/** What `image` stands for, or undefined for one that nobody registered. A user's registration wins over ours. */
export function findImage(image: string, options: ImageOptions): FoundImage | undefined {
  if (options.pods === "simulated") return { registered: { simulated: true } };
  const asked = normalizeImage(image);
  let anyTag: ImageRegistration | undefined;
  for (const [name, registration] of Object.entries(options.images)) {
    if (name === image) return { registered: registration };
    const known = normalizeImage(name);
    if (known.repository !== asked.repository) continue;
    if (known.tag === asked.tag) return { registered: registration };
    if (known.tag === "*") anyTag = registration;
  }
  if (anyTag !== undefined) return { registered: anyTag };
  const builtIn = BUILT_IN[asked.repository];
  return builtIn === undefined ? undefined : { builtIn };
}

/** The error of a pull that can't work, with the way out of it. */
export function imageNotFound(image: string): InkubeError {
  return new InkubeError(
    "IMAGE_NOT_FOUND",
    `no image is registered as "${image}": there is no registry to pull from. Register it, as ` +
      `images: { "${image}": { module: "./app.js" } } (a worker thread) or { command: ["node", "app.js"] } (a process), ` +
      `or run every image as a simulation with pods: "simulated"`,
  );
}

/** A stable stand-in for a digest: FNV-1a over the name, four times with different seeds. */
export function imageId(image: string): string {
  const { repository, tag } = normalizeImage(image);
  const text = `${repository}:${tag}`;
  let digest = "";
  for (let round = 0; round < 8; round++) {
    let hash = (0x811c9dc5 ^ Math.imul(round, 0x9e3779b9)) >>> 0;
    for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
    digest += hash.toString(16).padStart(8, "0");
  }
  return `sha256:${digest}`;
}

/**
 * The program of a container: `command` replaces the image's entry point and `args` its arguments, as Kubernetes does with
 * ENTRYPOINT and CMD. A module has no entry point to replace: there, `command[0]` stands for the module itself, unless it
 * names a shell, which then runs as a process.
 * Errors: IMAGE_NOT_FOUND.
 */
export function programOf(
  image: string,
  command: readonly string[],
  args: readonly string[],
  options: ImageOptions,
): Program {
  const found = findImage(image, options);
  if (found === undefined) throw imageNotFound(image);
  if ("builtIn" in found) return builtInProgram(found.builtIn, command, args);
  const { registered } = found;
  if ("simulated" in registered) return { driver: "simulated" };
  const env = registered.env ?? {};
  if ("module" in registered) {
    const given = args.length > 0 || command.length > 0;
    return moduleProgram({ url: registered.module }, command, given ? args : (registered.args ?? []), env);
  }
  const argv =
    command.length > 0
      ? [...command, ...args]
      : [...registered.command, ...(args.length > 0 ? args : (registered.args ?? []))];
  const files = command.length > 0 ? [] : registered.command.filter((argument) => argument.startsWith("/"));
  const program = { driver: "process" as const, argv, env, ...(files.length === 0 ? {} : { files }) };
  return registered.workingDir === undefined ? program : { ...program, workingDir: registered.workingDir };
}

/** Whether what runs tells the ports that it listens on: threads, simulations, and processes that are Node.js themselves. */
export function reportsListening(
  config: { readonly image: string; readonly command?: readonly string[]; readonly args?: readonly string[] },
  options: ImageOptions,
): boolean {
  if (findImage(config.image, options) === undefined) return false;
  const program = programOf(config.image, config.command ?? [], config.args ?? [], options);
  return program.driver !== "process" || /^(.*\/)?node$/.test(program.argv[0] ?? "");
}

function builtInProgram(builtIn: BuiltIn, command: readonly string[], args: readonly string[]): Program {
  switch (builtIn) {
    case "pause":
      return { driver: "simulated" };
    case "shell": {
      const argv = [...command, ...args];
      return { driver: "process", argv: argv.length > 0 ? argv : ["sh"], env: {} };
    }
    case "node":
      return { driver: "process", argv: nodeArgv(command, args), env: {} };
    case "web-server":
      return moduleProgram({ builtIn }, command, args, {});
    case "agnhost": {
      const asked = [...command.slice(1), ...args];
      // `agnhost pause` does nothing but wait for its end: no thread is worth that.
      if (asked.length === 0 || asked[0] === "pause")
        return isShell(command) ? shell(command, args) : { driver: "simulated" };
      return moduleProgram({ builtIn }, command, args, {});
    }
  }
}

function moduleProgram(
  module: { readonly builtIn: BuiltInModule } | { readonly url: string },
  command: readonly string[],
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Program {
  if (isShell(command)) return shell(command, args);
  return { driver: "thread", module, args: [...command.slice(1), ...args], env };
}

function isShell(command: readonly string[]): boolean {
  return /^(.*\/)?(sh|bash|ash)$/.test(command[0] ?? "");
}

function shell(command: readonly string[], args: readonly string[]): Program {
  return { driver: "process", argv: [...command, ...args], env: {} };
}

/** As the official image's entry point: what looks like an option or a script is for node. */
function nodeArgv(command: readonly string[], args: readonly string[]): readonly string[] {
  if (command.length > 0) return [...command, ...args];
  const first = args[0];
  if (first === undefined) return ["node"];
  return first.startsWith("-") || /\.[cm]?[jt]s$/.test(first) ? ["node", ...args] : args;
}
