/** `--image NAME=WHAT`: what an image name runs. */
import type { ImageOptions } from "../options.ts";
import { refuse } from "./failure.ts";

/** A path to a JavaScript module, or else a command with its arguments, separated by blanks. */
export function parseImages(pairs: readonly string[]): Readonly<Record<string, ImageOptions>> {
  return Object.fromEntries(pairs.map(parseImage));
}

function parseImage(pair: string): readonly [string, ImageOptions] {
  const at = pair.indexOf("=");
  const [name, what] = [pair.slice(0, at), pair.slice(at + 1).trim()];
  if (at <= 0 || what === "")
    throw refuse(`--image takes NAME=MODULE or NAME=COMMAND, as shop/web:1=./web.js, not "${pair}"`);
  const words = what.split(/\s+/);
  if (words.length > 1 || !/\.[cm]?[jt]s$/.test(what)) return [name, { command: words }];
  return [name, { module: what }];
}
