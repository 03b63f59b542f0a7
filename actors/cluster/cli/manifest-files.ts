/** Reads the manifests that commands are given. */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { parseManifest } from "../manifest.ts";
import { refuse } from "./failure.ts";

/** Far more than a person writes; an object of more than 1.5 MB would not fit in etcd anyway. */
const BYTES_MAX = 64 * 1024 * 1024;

/** The objects of all files, in order. `-` is standard input; a directory stands for its .yaml, .yml and .json files. */
export function readManifests(paths: readonly string[]): readonly KubernetesObject[] {
  const objects = paths.flatMap(expand).flatMap((path) => {
    const source = path === "-" ? "standard input" : path;
    return parseManifest(readText(path), source);
  });
  // As kubectl: whoever gives a manifest does not mean nothing.
  if (paths.length > 0 && objects.length === 0) throw refuse(`there is no object in ${paths.join(", ")}`);
  return objects;
}

function expand(path: string): readonly string[] {
  if (path === "-" || statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path];
  const files = readdirSync(path).filter((name) => /\.(yaml|yml|json)$/.test(name));
  if (files.length === 0) throw refuse(`${path} has no .yaml, .yml or .json file`);
  return files.sort().map((name) => join(path, name));
}

function readText(path: string): string {
  try {
    const bytes = readFileSync(path === "-" ? 0 : path);
    if (bytes.length > BYTES_MAX) throw refuse(`${path} is larger than ${BYTES_MAX / 1024 / 1024} MB`);
    return bytes.toString("utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw refuse(`there is no file ${path}`);
    if (code === "EACCES") throw refuse(`${path} may not be read by this user`);
    throw error;
  }
}
