/** Quantities, addresses, URLs, versions and named formats. Source: apiserver `pkg/cel/library`. */
import { tryParseQuantity } from "../../../../protocols/kubernetes/quantity.ts";
import { dns1123Subdomain, labelValue, qualifiedName } from "../../../../protocols/kubernetes/labels.ts";
import { hasFormat, isDate, isDateTime, isRequestUri } from "../custom/formats.ts";
import { dns1035Label } from "../custom/names.ts";
import { dns1123Label } from "../machinery/validation/names.ts";
import type { IpAddress } from "./addresses.ts";
import { bitsOf, containsIp, formatIp, maskedOf, parseCidr, parseIp } from "./addresses.ts";
import type { Spend } from "./functions.ts";
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
      return orThrow(
        quantityOf(given),
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      );
    case "isQuantity":
      return quantityOf(given) !== undefined;
    case "ip":
      return orThrow(ipOf(given), `IP Address ${JSON.stringify(given)} parse error during conversion from string`);
    case "isIP":
      return ipOf(given) !== undefined;
    case "ip.isCanonical": {
      const ip = orThrow(ipOf(given), `IP Address ${JSON.stringify(given)} parse error during conversion from string`);
      return formatIp(ip.address) === given;
    }
    case "cidr":
      return orThrow(
        cidrOf(given),
        `network address parse error during conversion from string: ${JSON.stringify(given)}`,
      );
    case "isCIDR":
      return cidrOf(given) !== undefined;
    case "url":
      return orThrow(
        urlOf(given),
        `URL parse error during conversion from string: parse ${JSON.stringify(given)}: invalid URI for request`,
      );
    case "isURL":
      return urlOf(given) !== undefined;
    case "semver":
      return orThrow(semverOf(given, args[1] === true), "Invalid Semantic Version");
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
  return range === undefined ? undefined : new CelCidr(range);
}

function urlOf(text: string): CelUrl | undefined {
  if (!isRequestUri(text)) return undefined;
  const absolute = text.startsWith("/") ? `${NOWHERE}${text}` : text;
  return URL.canParse(absolute) ? new CelUrl(new URL(absolute)) : undefined;
}

/** Stands for the host of a URL that is only a path. */
const NOWHERE = "path-only://path-only";
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
  return new CelSemver([BigInt(major), BigInt(minor), BigInt(patch)], pre === "" ? [] : pre.split("."));
}

type Problems = (text: string) => readonly string[];

function prefix(rule: Problems): Problems {
  return (text) => rule(text.replace(/-$/, "a"));
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
  uri: told(isRequestUri, "invalid URI"),
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

function quantityMethod(name: string, { nano, text }: CelQuantity, other: unknown): unknown {
  const operand = (): bigint => {
    if (other instanceof CelQuantity) return other.nano;
    if (typeof other === "bigint") return other * NANO;
    throw noOverload();
  };
  switch (name) {
    case "isInteger":
      return nano % NANO === 0n;
    case "asInteger":
      if (nano % NANO !== 0n) throw new CelError("cannot convert value to integer");
      return nano / NANO;
    case "asApproximateFloat":
      return Number(nano) / 1e9;
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
      return within("224.0.0.0/24") || (family === 6 && value >> 112n === 0xff02n);
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
  const ip = typeof other === "string" ? ipOf(other) : other;
  const cidr = typeof other === "string" ? cidrOf(other) : other;
  switch (name) {
    case "containsIP":
      if (!(ip instanceof CelIp)) throw noOverload();
      return containsIp(range, ip.address);
    case "containsCIDR":
      if (!(cidr instanceof CelCidr)) throw noOverload();
      return cidr.range.prefixBits >= range.prefixBits && containsIp(range, cidr.range.address);
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

function urlMethod(name: string, url: URL): unknown {
  const pathOnly = url.href.startsWith(NOWHERE);
  switch (name) {
    case "getScheme":
      return pathOnly ? "" : url.protocol.slice(0, -1);
    case "getHost":
      return pathOnly ? "" : url.host;
    case "getHostname":
      return pathOnly ? "" : url.hostname.replace(/^\[|\]$/g, "");
    case "getPort":
      return url.port;
    case "getEscapedPath":
      return url.pathname;
    case "getQuery": {
      const keys = [...new Set(url.searchParams.keys())];
      return new CelMap(new Map(keys.map((key) => [key, url.searchParams.getAll(key)])));
    }
    case "string":
      return url.href;
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
