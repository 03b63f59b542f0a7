/** JSON Merge Patch (RFC 7386). */
import type { JsonObject } from "../json-value.ts";
import { cloneJson, getOwn, isJsonObject, setOwn } from "../json-value.ts";

/** `target` with `patch` merged in; neither is changed. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return cloneJson(patch);
  const result: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete result[key];
    else setOwn(result, key, applyMergePatch(getOwn(result, key), value));
  }
  return result;
}
