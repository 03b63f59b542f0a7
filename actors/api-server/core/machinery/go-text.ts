/** Values as Go writes them into messages. */
import { isJsonObject, keysInOrder } from "./json-value.ts";

/** `%q` of what is printable; as far as JSON writes the same. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** JSON with the keys of objects in order. */
export function goJson(value: unknown): string {
  return escaped(JSON.stringify(keysInOrder(value)) ?? "null");
}

/** Go writes JSON so that it may stand in HTML. */
export function escaped(json: string): string {
  return json.replaceAll(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** `%v` of a float64: the shortest form, with an exponent when it is less than -4 or more than 5. */
export function goFloat(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value).replace("Infinity", "+Inf").replace("-+", "-");
  const [digits = "", power = ""] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return value.toString();
  return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** `%v` of a JSON value: `map[a:1 b:[x y]]`. */
export function goValue(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(goValue).join(" ")}]`;
  if (typeof value === "string") return value;
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : goFloat(value);
  if (!isJsonObject(value)) return goJson(value);
  const keys = Object.keys(value).sort();
  return `map[${keys.map((key) => `${key}:${goValue(value[key])}`).join(" ")}]`;
}
