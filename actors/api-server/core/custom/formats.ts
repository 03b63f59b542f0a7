/**
 * The formats of texts that Kubernetes checks; it takes others without a word.
 * Source: kube-openapi `validation/strfmt`, apiextensions-apiserver `apiserver/validation/formats.go`.
 */
import { parseCidr, parseIp } from "../cel/addresses.ts";

type Check = (text: string) => boolean;

function matching(pattern: RegExp): Check {
  return (text) => pattern.test(text);
}

const HEX4 = "[0-9a-f]{4}";

function uuid(third: string, fourth: string): Check {
  return (text) => new RegExp(`^[0-9a-f]{8}-?${HEX4}-?${third}-?${fourth}-?[0-9a-f]{12}$`, "i").test(text);
}

const CHECKS: Readonly<Record<string, Check>> = {
  bsonobjectid: matching(/^[0-9a-fA-F]{24}$/),
  byte: matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/),
  cidr: (text) => parseCidr(text, true) !== undefined,
  creditcard: isCreditCard,
  date: isDate,
  datetime: isDateTime,
  duration: isDuration,
  email: isEmail,
  hexcolor: matching(/^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  hostname: isHostname,
  ipv4: (text) => text.includes(".") && parseIp(text, true) !== undefined,
  ipv6: (text) => text.includes(":") && parseIp(text, false) !== undefined,
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  k8slongname: (text) =>
    text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text),
  k8sshortname: (text) => text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text),
  mac: isMac,
  password: () => true,
  rgbcolor: isRgbColor,
  ssn: (text) => text.length === 11 && /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text),
  uri: isRequestUri,
  uuid: uuid(HEX4, HEX4),
  uuid3: uuid("3[0-9a-f]{3}", HEX4),
  uuid4: uuid("4[0-9a-f]{3}", "[89ab][0-9a-f]{3}"),
  uuid5: uuid("5[0-9a-f]{3}", "[89ab][0-9a-f]{3}"),
};

function checkOf(format: string): Check | undefined {
  const name = format.replaceAll("-", "");
  return Object.hasOwn(CHECKS, name) ? CHECKS[name] : undefined;
}

/** @param type of the schema; "" for any, a list of them for several */
export function isRecognizedFormat(type: string, format: string): boolean {
  if (format === "") return true;
  switch (type) {
    case "":
    case "string":
      return checkOf(format) !== undefined;
    case "integer":
      return format === "int32" || format === "int64";
    case "number":
      return format === "float" || format === "double";
  }
  return false;
}

/** Whether a text has the format; what no check knows, every text has. */
export function hasFormat(format: string, text: string): boolean {
  return checkOf(format)?.(text) ?? true;
}

export function isDate(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  if (year === undefined) return false;
  const m = Number(month);
  return m >= 1 && m <= 12 && Number(day) >= 1 && Number(day) <= daysIn(Number(year), m);
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : (DAYS[month - 1] ?? 0);
}

const TIME_OF_DAY = /^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$/;

export function isDateTime(text: string): boolean {
  const [date = "", time] = text.toLowerCase().split("t");
  if (time === undefined || !isDate(date)) return false;
  const [, hours = "", minutes = "", seconds = ""] = TIME_OF_DAY.exec(time) ?? [];
  return hours !== "" && hours <= "23" && minutes <= "59" && seconds <= "59";
}

const GO_DURATION = /^[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$/;
const UNITS = ["ns", "us", "µs", "ms", "s", "m", "h", "d", "w", "min", "hr", "wk"];
const UNIT_BEGINNINGS = ["nano", "micro", "milli", "sec", "min", "hour", "day", "week"];

/** As Go reads one, or numbers with names of units: `2 weeks`. */
export function isDuration(text: string): boolean {
  if (/^[+-]?0$/.test(text) || (text.length <= 1_000 && GO_DURATION.test(text))) return true;
  for (const [, unit = ""] of text.matchAll(/\d+\s*([A-Za-zµ]+)/g)) {
    const name = unit.toLowerCase();
    if (UNITS.includes(name) || UNIT_BEGINNINGS.some((beginning) => name.startsWith(beginning))) return true;
  }
  return false;
}

const LOCAL_PART = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\uffff-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\uffff-]+)*$/;

/** An address of RFC 5322, with or without a name: `Ann <ann@example.com>`. */
function isEmail(text: string): boolean {
  const trimmed = text.trim();
  const named = /^([^<>@]*)<([^<>]*)>$/.exec(trimmed);
  const address = named === null ? trimmed : (named[2] ?? "");
  const at = address.lastIndexOf("@");
  if (at <= 0) return false;
  const local = address.slice(0, at);
  const domain = address.slice(at + 1);
  const quoted = /^"([^"\\\r\n]|\\[^\r\n])+"$/.test(local);
  return (quoted || LOCAL_PART.test(local)) && (LOCAL_PART.test(domain) || /^\[[^[\]\\]+\]$/.test(domain));
}

const SYMBOL = String.raw`a-zA-Z0-9\p{S}\p{L}`;
const SINGLE_LABEL = `[${SYMBOL}](?:-?[${SYMBOL}]{0,62})?`;
const DOTTED = String.raw`(?:[${SYMBOL}](?:[${SYMBOL}-]{0,61}[${SYMBOL}])?\.)+[a-zA-Z\p{L}]{2,63}`;
const HOSTNAME = new RegExp(`^(?:${SINGLE_LABEL}|${DOTTED})$`, "u");
const encoder = new TextEncoder();

function isHostname(text: string): boolean {
  if (encoder.encode(text).length > 255 || !HOSTNAME.test(text)) return false;
  return text.split(".").every((label) => encoder.encode(label).length <= 63);
}

/** EUI-48 and EUI-64, by colons, hyphens or in groups of four. */
function isMac(text: string): boolean {
  return /^([0-9a-fA-F]{2}([:-])[0-9a-fA-F]{2}(\2[0-9a-fA-F]{2}){4}((\2[0-9a-fA-F]{2}){2}|(\2[0-9a-fA-F]{2}){14})?|[0-9a-fA-F]{4}(\.[0-9a-fA-F]{4}){2}(\.[0-9a-fA-F]{4})?(\.[0-9a-fA-F]{4}){0,6})$/.test(
    text,
  );
}

const COLOR = String.raw`\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*`;
const RGB = new RegExp(String.raw`^rgb\(${COLOR},${COLOR},${COLOR}\)$`);

function isRgbColor(text: string): boolean {
  return text.length <= 1_000 && RGB.test(text);
}

function digitsOf(text: string): number[] {
  return text.split("").map(Number);
}

const CARD =
  /^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$/;

/** The checksum of Luhn. */
function isCreditCard(text: string): boolean {
  const clean = text.replaceAll(/[^0-9]+/g, "");
  if (!CARD.test(clean)) return false;
  const sum = digitsOf(clean)
    .reverse()
    .reduce((total, digit, i) => total + (i % 2 === 0 ? digit : digit < 5 ? digit * 2 : digit * 2 - 9), 0);
  return sum % 10 === 0;
}

function isIsbn10(text: string): boolean {
  const clean = text.replaceAll(/[\s-]+/g, "");
  if (!/^(?:[0-9]{9}X|[0-9]{10})$/.test(clean)) return false;
  const sum = clean.split("").reduce((total, char, i) => total + (i + 1) * (char === "X" ? 10 : Number(char)), 0);
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const clean = text.replaceAll(/[\s-]+/g, "");
  if (!/^[0-9]{13}$/.test(clean)) return false;
  const sum = digitsOf(clean).reduce((total, digit, i) => total + digit * (i % 2 === 0 ? 1 : 3), 0);
  return sum % 10 === 0;
}

/** What Go's `url.ParseRequestURI` takes: an absolute URI or an absolute path. */
export function isRequestUri(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return false;
  }
  if (/%(?![0-9a-fA-F]{2})/.test(text.split("?")[0] ?? "")) return false;
  if (text.startsWith("/") || text === "*") return true;
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:/.exec(text)?.[0];
  if (scheme === undefined) return false;
  const rest = text.slice(scheme.length);
  return rest.startsWith("//") ? isAuthority(/^[^/?]*/.exec(rest.slice(2))?.[0] ?? "") : true;
}

function isAuthority(text: string): boolean {
  const host = text.slice(text.lastIndexOf("@") + 1);
  if (/[\s<>"\\^`{|}]/.test(host)) return false;
  if (host.startsWith("[")) return /^\[[0-9A-Fa-f:.%a-zA-Z0-9_~-]+\](:\d*)?$/.test(host);
  return /^[^:]*(:\d*)?$/.test(host);
}
