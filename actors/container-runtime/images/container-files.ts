/**
 * The paths that a program gives as they stand in its pod's spec, laid over Node's own `fs`: its volumes at their mount paths, and where
 * it leaves the message of its end. There is no mount: what is at these paths is below the container's root.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { normalize } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Table = Record<string, Method | undefined>;

export interface ContainerFiles {
  /** The directory that stands for `/`. */
  readonly root: string;
  /** Absolute paths, as the container sees them. */
  readonly mounts: readonly string[];
  readonly terminationLog: string | undefined;
  /** Files of the machine that the container runs with: a mount that would hide one is not laid over it. */
  readonly needed: readonly string[];
}

/** Of one path, as their first argument; all but the last row also end in `Sync`. */
const OF_ONE_PATH = [
  "access appendFile chmod chown exists lchown lutimes lstat mkdir mkdtemp open opendir readdir readFile readlink realpath",
  "rm rmdir stat statfs truncate unlink utimes writeFile",
];
const OF_ONE_PATH_ASYNC = "createReadStream createWriteStream openAsBlob unwatchFile watch watchFile";
const OF_TWO_PATHS = "copyFile cp link rename";
/** A link's target is text. */
const OF_SECOND_PATH = "symlink";

export function installContainerFiles(files: ContainerFiles): void {
  const mapping = mappingOf(files);
  const words = (rows: readonly string[]): readonly string[] => rows.flatMap((row) => row.split(" "));
  const withSync = (names: readonly string[]): readonly string[] => [...names, ...names.map((name) => `${name}Sync`)];
  const tables = [fs, fs.promises] as unknown as readonly Table[];
  for (const table of tables) {
    const patch = (names: readonly string[], places: readonly number[]): void => {
      for (const name of names) patchMethod(table, name, places, mapping);
    };
    patch([...withSync(words(OF_ONE_PATH)), ...words([OF_ONE_PATH_ASYNC])], [0]);
    patch(withSync(words([OF_TWO_PATHS])), [0, 1]);
    patch(withSync(words([OF_SECOND_PATH])), [1]);
  }
  syncBuiltinESMExports();
}

function patchMethod(table: Table, name: string, places: readonly number[], mapping: (path: unknown) => unknown): void {
  const original = table[name];
  if (original === undefined) return;
  const mapped = (method: Method): Method => {
    const wrapper: Method = function (...args) {
      for (const place of places) if (place < args.length) args[place] = mapping(args[place]);
      return method.apply(this, args);
    };
    // What a method carries: `util.promisify` looks there, and `realpath` has a second form of itself.
    return Object.defineProperties(wrapper, Object.getOwnPropertyDescriptors(method));
  };
  const wrapper = mapped(original);
  const { native } = original as { readonly native?: Method };
  if (native !== undefined) Object.assign(wrapper, { native: mapped(native) });
  table[name] = wrapper;
}

function mappingOf({ root, mounts, terminationLog, needed }: ContainerFiles): (path: unknown) => unknown {
  const directories = mounts
    .map((mount) => normalize(mount).replace(/\/+$/, ""))
    .filter((mount) => mount !== "" && ![root, ...needed].some((path) => isBelow(path, mount)));
  const map = (path: string): string => {
    if (!path.startsWith("/")) return path;
    const plain = normalize(path);
    if (plain === terminationLog || directories.some((mount) => isBelow(plain, mount))) return root + plain;
    return path;
  };
  return (path) => {
    if (typeof path === "string") return map(path);
    if (path instanceof URL && path.protocol === "file:") {
      const asked = fileURLToPath(path);
      const found = map(asked);
      return found === asked ? path : pathToFileURL(found);
    }
    if (Buffer.isBuffer(path)) {
      const asked = path.toString();
      const found = map(asked);
      return found === asked ? path : Buffer.from(found);
    }
    return path;
  };
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}
