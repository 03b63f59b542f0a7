import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a directory and those above it that are missing; gives back what it made, the uppermost first. Errors: the system's own.
 *
 * Not `recursive: true`: where nothing can be made though it may be looked into (/proc), Node.js 20 takes the system's
 * ENOENT for a missing parent, and tries for ever.
 */
export function makeDirectory(path: string, options: { readonly mode?: number } = {}): readonly string[] {
  try {
    return makeOne(path, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || dirname(path) === path) throw error;
  }
  const above = makeDirectory(dirname(path), options);
  // Its parent is there, so what fails now fails for good.
  return [...above, ...makeOne(path, options)];
}

/** Nothing is made where it is already, perhaps by another process. */
function makeOne(path: string, options: { readonly mode?: number }): readonly string[] {
  try {
    mkdirSync(path, options);
    return [path];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !statSync(path).isDirectory()) throw error;
    return [];
  }
}
