// The structure of an OpenAPI schema: everything but its texts and the order in which it is written.
import { createHash } from "node:crypto";

/** Unions are a hint that no client reads; which groups options are of is said in one place here. */
const LEFT_OUT = new Set(["description", "x-kubernetes-unions", "x-kubernetes-group-version-kind"]);

function structure(value, isMap) {
  if (Array.isArray(value)) return value.map((item) => structure(item, false));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => isMap || !LEFT_OUT.has(key))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [
        key,
        !isMap && key === "required"
          ? item.toSorted((a, b) => (a < b ? -1 : 1))
          : structure(item, key === "properties"),
      ]),
  );
}

/** @returns {string} */
export function structureHash(schema) {
  return createHash("sha256")
    .update(JSON.stringify(structure(schema, false)))
    .digest("hex")
    .slice(0, 12);
}
