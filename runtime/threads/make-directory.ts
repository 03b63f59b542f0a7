import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a directory and those above it that are missing. Errors: the system's own.
 *
 * Not `recursive: true`: where nothing can be made though it may be looked into (/proc), Node.js 20 takes the system's
 * ENOENT for a missing parent, and tries for ever.
 */
export function makeDirectory(path: string, options: { readonly mode?: number } = {}): void {
  try {
    mkdirSync(path, options);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && statSync(path).isDirectory()) return;
    if (code !== "ENOENT" || dirname(path) === path) throw error;
    makeDirectory(dirname(path), options);
    makeOne(path, options);
  }
}

/** Its parent is there, so what fails now fails for good; another process may have been faster. */
function makeOne(path: string, options: { readonly mode?: number }): void {
  try {
    mkdirSync(path, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !statSync(path).isDirectory()) throw error;
  }
}
