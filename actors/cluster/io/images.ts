/** Where the user's images lie on this machine: found before anything is started, so that a mistake is the start's error. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ImageOptions } from "../options.ts";
import { invalidOption } from "../options.ts";

/**
 * A module's path, and where a command runs, are from the current directory unless they say otherwise. Errors:
 * INVALID_OPTION for a module or a working directory that is not there.
 */
export function locateImages(images: Readonly<Record<string, ImageOptions>>): Readonly<Record<string, ImageOptions>> {
  return Object.fromEntries(Object.entries(images).map(([name, image]) => [name, locate(`images["${name}"]`, image)]));
}

function locate(place: string, image: ImageOptions): ImageOptions {
  if ("module" in image) {
    const module = image.module.startsWith("file:") ? fileURLToPath(image.module) : resolve(image.module);
    if (statSync(module, { throwIfNoEntry: false })?.isFile() !== true)
      throw invalidOption(place, `there is no module ${image.module}`);
    return { ...image, module };
  }
  const workingDir = resolve(image.workingDir ?? "");
  if (statSync(workingDir, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw invalidOption(place, `there is no directory ${workingDir} to run in`);
  return { ...image, workingDir };
}
