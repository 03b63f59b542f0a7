/** Quantities, addresses, URLs, versions and named formats. Source: apiserver `pkg/cel/library`. */
import { quantityProblem, tryParseQuantity } from "../../../../protocols/kubernetes/quantity.ts";
import { dns1123Subdomain, labelValue, qualifiedName } from "../../../../protocols/kubernetes/labels.ts";
import { hasFormat, isDate, isDateTime } from "../custom/formats.ts";
import { dns1035Label } from "../custom/names.ts";
import { dns1123Label } from "../machinery/validation/names.ts";
import type { IpAddress } from "./addresses.ts";
import { bitsOf, cidrProblem, containsIp, formatIp, ipProblem, maskedOf, parseCidr, parseIp } from "./addresses.ts";
import type { Spend } from "./functions.ts";
import type { GoUrl } from "./urls.ts";
import { readUrl } from "./urls.ts";
import {
  CelCidr,
  CelError,
  CelFormat,
  CelIp,
  CelMap,
  CelOptional,
  CelQuantity,
  CelSemver,
  CelUrl,
  compareSemver,
} from "./values.ts";

function noOverload(): CelError {
  return new CelError("no such overload");
}

export function kubernetesFunction(name: string, args: readonly unknown[], spend: Spend): unknown {
  const [given] = args;
  if (given instanceof CelIp && name === "string") return formatIp(given.address);
  const format = name.startsWith("format.") && args.length === 0 ? name.slice("format.".length) : "";
  if (Object.hasOwn(FORMATS, format)) return new CelFormat(format);
  if (typeof given !== "string") throw noOverload();
  spend(given.length / 10);
  switch (name) {
    case "quantity":
      return orThrow(quantityOf(given), quantityProblem(given));
    case "isQuantity":
      return quantityOf(given) !== undefined;
    case "ip":
      return knownIp(given);
    case "isIP":
      return ipOf(given) !== undefined;
    case "ip.isCanonical":
      return formatIp(knownIp(given).address) === given;
    case "cidr":
      return knownCidr(given);
    case "isCIDR":
      return cidrOf(given) !== undefined;
    case "url": {
      const url = readUrl(given);
      if ("problem" in url) throw new CelError(`URL parse error during conversion from string: ${url.problem}`);
      return new CelUrl(url);
    }
    case "isURL":
      return !("problem" in readUrl(given));
    case "semver":
      return orThrow(semverOf(given, args[1] === true), semverProblem(given, args[1] === true));
    case "isSemver":
      return semverOf(given, args[1] === true) !== undefined;
    case "format.named":
      return new CelOptional(Object.hasOwn(FORMATS, given) ? new CelFormat(given) : undefined);
  }
  throw noOverload();
}

function orThrow<T>(value: T | undefined, problem: string): T {
  if (value === undefined) throw new CelError(problem);
  return value;
}

function quantityOf(text: string): CelQuantity | undefined {
  const parsed = tryParseQuantity(text);
  return parsed === undefined ? undefined : new CelQuantity(parsed.nano, text);
}

/** Neither zones nor IPv4 addresses in IPv6 ones. */
function ipOf(text: string): CelIp | undefined {
  const address = parseIp(text, false);
  if (address === undefined || (address.family === 6 && address.value >> 32n === 0xffffn)) return undefined;
  return new CelIp(address);
}

function cidrOf(text: string): CelCidr | undefined {
  const range = parseCidr(text, false);
  const isMapped = range?.address.family === 6 && range.address.value >> 32n === 0xffffn;
  return range === undefined || isMapped ? undefined : new CelCidr(range);
}

/** @throws CelError */
function knownIp(text: string): CelIp {
  const ip = ipOf(text);
  if (ip !== undefined) return ip;
  const shown = JSON.stringify(text);
  const problem = ipProblem(text);
  if (problem !== undefined)
    throw new CelError(`IP Address ${shown} parse error during conversion from string: ${problem}`);
  if (text.includes("%")) throw new CelError(`IP address ${shown} with zone value is not allowed`);
  throw new CelError(`IPv4-mapped IPv6 address ${shown} is not allowed`);
}

/** @throws CelError */
function knownCidr(text: string): CelCidr {
  const cidr = cidrOf(text);
  if (cidr !== undefined) return cidr;
  const head = "network address parse error during conversion from string";
  const problem = cidrProblem(text);
  if (problem !== undefined) throw new CelError(`${head}: ${head}: ${problem}`);
  throw new CelError(`${head}: IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`);
}

const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][\w-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][\w-]*))*))?(?:\+[\w-]+(?:\.[\w-]+)*)?$/;

/** @param normalize takes `v1.2`, and leading zeros */
function semverOf(text: string, normalize: boolean): CelSemver | undefined {
  if (text.length > 1_000) return undefined;
  const [numbers = "", ...rest] = text.replace(/^v/, "").split(/(?=[-+])/);
  const full = [...numbers.split("."), "0", "0"].slice(0, Math.max(3, numbers.split(".").length));
  const given = normalize ? `${full.map((part) => part.replace(/^0+(?=\d)/, "")).join(".")}${rest.join("")}` : text;
  const parts = SEMVER.exec(given);
  if (parts === null) return undefined;
  const [, major = "0", minor = "0", patch = "0", pre = ""] = parts;
  if ([major, minor, patch].some((part) => BigInt(part) >= 2n ** 64n)) return undefined;
  return new CelSemver([BigInt(major), BigInt(minor), BigInt(patch)], pre === "" ? [] : pre.split("."));
}

/** In the words of `blang/semver`. */
function semverProblem(text: string, normalize: boolean): string {
  if (text === "") return "Version string empty";
  const [major = "", minor, ...more] = (normalize ? text.replace(/^v/, "") : text).split(".");
  const patch = more.length === 0 ? undefined : more.join(".");
  if (minor === undefined || patch === undefined) return "No Major.Minor.Patch elements found";
  const [number = ""] = patch.split(/[-+]/);
  for (const [name, part] of [
    ["major", major],
    ["minor", minor],
    ["patch", number],
  ] as const) {
    if (!/^\d*$/.test(part)) return `Invalid character(s) found in ${name} number ${JSON.stringify(part)}`;
    if (/^0\d/.test(part)) {
      return `${name.charAt(0).toUpperCase()}${name.slice(1)} number must not contain leading zeroes ${JSON.stringify(part)}`;
    }
    if (part === "") return 'strconv.ParseUint: parsing "": invalid syntax';
    if (BigInt(part) >= 2n ** 64n) return `strconv.ParseUint: parsing ${JSON.stringify(part)}: value out of range`;
  }
  const rest = patch.slice(number.length);
  const [before = "", ...build] = rest.replace(/^-/, "").split("+");
  for (const part of rest.startsWith("-") ? before.split(".") : []) {
    if (part === "") return "Prerelease is empty";
    if (/^0\d+$/.test(part))
      return `Numeric PreRelease version must not contain leading zeroes ${JSON.stringify(part)}`;
    if (!/^[\w-]+$/.test(part)) return `Invalid character(s) found in prerelease ${JSON.stringify(part)}`;
  }
  const bad =
    build
      .join("+")
      .split(".")
      .find((part) => !/^[A-Za-z0-9-]+$/.test(part)) ?? "";
  return bad === ""
    ? "Build meta data is empty"
    : `Invalid character(s) found in build meta data ${JSON.stringify(bad)}`;
}

type Problems = (text: string) => readonly string[];

/** The end of what is only the beginning of a name may be any. */
function prefix(rule: Problems): Problems {
  return (text) => rule(text.length > 1 && text.endsWith("-") ? `${text.slice(0, -2)}a` : text);
}

function uriProblems(text: string): readonly string[] {
  const url = readUrl(text);
  return "problem" in url ? [url.problem] : [];
}

function told(isValid: (text: string) => boolean, problem: string): Problems {
  return (text) => (isValid(text) ? [] : [problem]);
}

const FORMATS: Readonly<Record<string, Problems>> = {
  dns1123Label,
  dns1123Subdomain,
  dns1035Label,
  dns1123LabelPrefix: prefix(dns1123Label),
  dns1123SubdomainPrefix: prefix(dns1123Subdomain),
  dns1035LabelPrefix: prefix(dns1035Label),
  qualifiedName,
  labelValue,
  uri: uriProblems,
  uuid: told((text) => hasFormat("uuid", text), "does not match the UUID format"),
  byte: told((text) => hasFormat("byte", text), "invalid base64"),
  date: told(isDate, "invalid date"),
  datetime: told(isDateTime, "invalid datetime"),
};

export function kubernetesMethod(name: string, target: unknown, args: readonly unknown[], spend: Spend): unknown {
  spend(1);
  if (target instanceof CelQuantity) return quantityMethod(name, target, args[0]);
  if (target instanceof CelIp) return ipMethod(name, target.address);
  if (target instanceof CelCidr) return cidrMethod(name, target, args[0]);
  if (target instanceof CelUrl) return urlMethod(name, target.url);
  if (target instanceof CelSemver) return semverMethod(name, target, args[0]);
  if (target instanceof CelFormat && name === "validate" && typeof args[0] === "string") {
    spend(args[0].length / 10);
    const problems = FORMATS[target.name]?.(args[0]) ?? [];
    return new CelOptional(problems.length === 0 ? undefined : problems);
  }
  throw noOverload();
}

const NANO = 1_000_000_000n;

/** Of 64 bits. */
function isInteger(nano: bigint): boolean {
  return nano % NANO === 0n && BigInt.asIntN(64, nano / NANO) === nano / NANO;
}

function quantityMethod(name: string, { nano, text }: CelQuantity, other: unknown): unknown {
  const operand = (): bigint => {
    if (other instanceof CelQuantity) return other.nano;
    if (typeof other === "bigint") return other * NANO;
    throw noOverload();
  };
  switch (name) {
    case "isInteger":
      return isInteger(nano);
    case "asInteger":
      if (!isInteger(nano)) throw new CelError("cannot convert value to integer");
      return nano / NANO;
    case "asApproximateFloat":
      return Number(nano / NANO) + Number(nano % NANO) / 1e9;
    case "compareTo":
      return nano < operand() ? -1n : nano > operand() ? 1n : 0n;
    case "isLessThan":
      return nano < operand();
    case "isGreaterThan":
      return nano > operand();
    case "add":
      return new CelQuantity(nano + operand(), text);
    case "sub":
      return new CelQuantity(nano - operand(), text);
    case "string":
      return text;
  }
  throw noOverload();
}

function ipMethod(name: string, address: IpAddress): unknown {
  const { family, value } = address;
  const within = (text: string): boolean => {
    const range = parseCidr(text, false);
    return range !== undefined && containsIp(range, address);
  };
  switch (name) {
    case "family":
      return BigInt(family);
    case "isUnspecified":
      return value === 0n;
    case "isLoopback":
      return family === 4 ? within("127.0.0.0/8") : value === 1n;
    case "isLinkLocalMulticast":
      return within("224.0.0.0/24") || (family === 6 && (value >> 112n) % 0x10n === 2n && value >> 120n === 0xffn);
    case "isLinkLocalUnicast":
      return within("169.254.0.0/16") || within("fe80::/10");
    case "isGlobalUnicast":
      return (
        !["isUnspecified", "isLoopback", "isLinkLocalUnicast"].some((one) => ipMethod(one, address) === true) &&
        !within("224.0.0.0/4") &&
        !within("ff00::/8") &&
        !within("255.255.255.255/32")
      );
    case "string":
      return formatIp(address);
  }
  throw noOverload();
}

function cidrMethod(name: string, { range }: CelCidr, other: unknown): unknown {
  switch (name) {
    case "containsIP": {
      const ip = typeof other === "string" ? ipOf(other) : other;
      if (!(ip instanceof CelIp)) throw noOverload();
      return containsIp(range, ip.address);
    }
    case "containsCIDR": {
      const cidr = typeof other === "string" ? knownCidr(other) : other;
      if (!(cidr instanceof CelCidr)) throw noOverload();
      return cidr.range.prefixBits >= range.prefixBits && containsIp(range, cidr.range.address);
    }
    case "ip":
      return new CelIp(range.address);
    case "masked":
      return new CelCidr(maskedOf(range));
    case "prefixLength":
      return BigInt(Math.min(range.prefixBits, bitsOf(range.address)));
    case "string":
      return `${formatIp(range.address)}/${range.prefixBits}`;
  }
  throw noOverload();
}

function urlMethod(name: string, url: GoUrl): unknown {
  switch (name) {
    case "getScheme":
      return url.scheme;
    case "getHost":
      return url.host;
    case "getHostname":
      return url.hostname;
    case "getPort":
      return url.port;
    case "getEscapedPath":
      return url.path;
    case "getQuery":
      return new CelMap(new Map(url.query));
  }
  throw noOverload();
}

function semverMethod(name: string, target: CelSemver, other: unknown): unknown {
  const order = (): number => {
    if (!(other instanceof CelSemver)) throw noOverload();
    return compareSemver(target, other);
  };
  switch (name) {
    case "major":
      return target.parts[0];
    case "minor":
      return target.parts[1];
    case "patch":
      return target.parts[2];
    case "compareTo":
      return BigInt(order());
    case "isLessThan":
      return order() < 0;
    case "isGreaterThan":
      return order() > 0;
  }
  throw noOverload();
}
