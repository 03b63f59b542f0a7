/** The directory that stands for a container's `/`: its mounts are symbolic links in it. */
import { existsSync, lstatSync, mkdirSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, relative } from "node:path";
import { CONTAINER_ENVIRONMENT } from "../../../protocols/container-runtime.ts";
import type { ContainerSpec } from "../driver.ts";

/**
 * What one container may ask of the file system: it is made in one turn, in which nothing else of the node is done. Directories take time
 * by the square of their depth.
 */
const NAMES_MAX = 100;
const MOUNTS_MAX = 1_000;

function checkBounds({ mounts, workingDir = "", terminationMessagePath = "" }: ContainerSpec): void {
  if (mounts.length > MOUNTS_MAX) throw new Error(`more than ${MOUNTS_MAX} volume mounts: ${mounts.length}`);
  const paths = mounts.flatMap(({ containerPath, hostPath }) => [containerPath, hostPath]);
  for (const path of [...paths, workingDir, terminationMessagePath]) {
    if (path.split("/").length > NAMES_MAX) throw new Error(`more than ${NAMES_MAX} names in a path: ${path}`);
  }
}

/** `linksInVolumes`: whether a mount inside of another one is a link as well. Not where there is a real one. Errors: a message, over more than `NAMES_MAX`, and the file system's. */
export function prepareRoot(spec: ContainerSpec, linksInVolumes = true): void {
  checkBounds(spec);
  mkdirSync(spec.root, { recursive: true });
  // Shorter paths first, so that a mount below another one lands inside of it.
  const mounts = [...spec.mounts].sort((one, other) => one.containerPath.length - other.containerPath.length);
  for (const [index, mount] of mounts.entries()) {
    const outer = mounts.slice(0, index);
    if (!linksInVolumes && placeInVolume(mount.containerPath, outer) !== undefined) continue;
    const at = inside(spec.root, mount.containerPath);
    mkdirSync(dirname(at), { recursive: true });
    if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() === true) unlinkSync(at);
    if (!existsSync(at)) symlinkSync(mount.hostPath, at);
  }
  mkdirSync(join(spec.root, "tmp"), { recursive: true });
  if (spec.terminationMessagePath === undefined) return;
  const log = inside(spec.root, spec.terminationMessagePath);
  mkdirSync(dirname(log), { recursive: true });
  if (!existsSync(log)) writeFileSync(log, "");
}

/**
 * Where the container starts: its spec's directory below its root, made if need be, else the image's directory of this
 * machine, else the root.
 */
export function workingDirectory(spec: ContainerSpec, ofImage: string | undefined): string {
  if (spec.workingDir === undefined) return ofImage ?? spec.root;
  const directory = inside(spec.root, spec.workingDir);
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** `path` below `root`; what climbs out of it with `..` lands at the root. */
function inside(root: string, path: string): string {
  const at = join(root, path);
  const climb = relative(root, at);
  return climb.startsWith("..") || isAbsolute(climb) ? root : at;
}

/**
 * Where a container has no mounts: a command that names its termination log, or a path in a volume, means what is below its root, as the
 * path as it stands is the machine's own. One that puts the root before it by itself is left alone.
 */
export function belowRoot(argument: string, spec: ContainerSpec): string {
  const { terminationMessagePath: path, mounts, root, env } = spec;
  if (/\bINKUBE_(ROOT|VOLUME_)/.test(argument)) return argument;
  const log = env[CONTAINER_ENVIRONMENT.terminationLog];
  let result = argument;
  if (path !== undefined && path !== "" && log !== undefined) result = withPath(result, path, log, false);
  for (const { containerPath } of mounts) {
    const mount = containerPath.replace(/\/+$/, "");
    if (mount !== "" && !root.startsWith(`${mount}/`)) result = withPath(result, mount, `${root}${mount}`, true);
  }
  return result;
}

/** `path` is replaced where it stands for itself, and, of a directory, where more of a path follows. */
function withPath(text: string, path: string, real: string, isDirectory: boolean): string {
  const escaped = path.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const end = isDirectory ? "[\\w.-]" : "[\\w./-]";
  return text.replaceAll(new RegExp(`(?<![\\w./}-])${escaped}(?!${end})`, "g"), () => real);
}

/** Where the machine has what a container sees at an absolute path in one of these mounts; undefined when it is in none. */
export function placeInVolume(path: string, mounts: ContainerSpec["mounts"]): string | undefined {
  const innermostFirst = [...mounts].sort((one, other) => other.containerPath.length - one.containerPath.length);
  for (const { containerPath, hostPath } of innermostFirst) {
    const mount = containerPath.replace(/\/+$/, "");
    if (mount !== "" && (path === mount || path.startsWith(`${mount}/`))) return hostPath + path.slice(mount.length);
  }
  return undefined;
}
