/**
 * What functions take and give, as text: `size(list(A)): int`, and of methods `string.startsWith(string): bool`. A capital letter
 * stands for any type. The order counts: the first that fits says what comes out.
 * Source: cel-go `common/stdlib`, `ext`, `cel/library.go`; apiserver `pkg/cel/library`.
 */
import type { CelType } from "./types.ts";
import { listType, mapType, namedType, optionalType, typeType, variableType } from "./types.ts";

export interface Overload {
  readonly method: boolean;
  /** Of a method the first is what it is called on. */
  readonly args: readonly CelType[];
  readonly result: CelType;
  /** Names of the types that it leaves open. */
  readonly open: readonly string[];
}

export type Overloads = ReadonlyMap<string, readonly Overload[]>;

const ORDERED = ["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"];
const NUMBERS = ["int", "uint", "double"];

function comparisons(): string {
  const same = ORDERED.map((type) => [type, type]);
  const mixed = NUMBERS.flatMap((a) => NUMBERS.filter((b) => b !== a).map((b) => [a, b]));
  return ["_<_", "_<=_", "_>_", "_>=_"]
    .flatMap((name) => [...same, ...mixed].map(([a, b]) => `${name}(${a}, ${b}): bool`))
    .join("\n");
}

const OPERATORS = `
_?_:_(bool, A, A): A
_&&_(bool, bool): bool
_||_(bool, bool): bool
!_(bool): bool
@not_strictly_false(bool): bool
_==_(A, A): bool
_!=_(A, A): bool
_+_(bytes, bytes): bytes
_+_(double, double): double
_+_(duration, duration): duration
_+_(duration, timestamp): timestamp
_+_(timestamp, duration): timestamp
_+_(int, int): int
_+_(list(A), list(A)): list(A)
_+_(string, string): string
_+_(uint, uint): uint
_-_(double, double): double
_-_(duration, duration): duration
_-_(int, int): int
_-_(timestamp, duration): timestamp
_-_(timestamp, timestamp): duration
_-_(uint, uint): uint
${NUMBERS.flatMap((type) => [`_*_(${type}, ${type}): ${type}`, `_/_(${type}, ${type}): ${type}`]).join("\n")}
_%_(int, int): int
_%_(uint, uint): uint
-_(double): double
-_(int): int
${comparisons()}
_[_](list(A), int): A
_[_](map(A, B), A): B
_[_](optional(list(A)), int): optional(A)
_[_](optional(map(A, B)), A): optional(B)
_[?_](list(A), int): optional(A)
_[?_](optional(list(A)), int): optional(A)
_[?_](map(A, B), A): optional(B)
_[?_](optional(map(A, B)), A): optional(B)
@in(A, list(A)): bool
@in(A, map(A, B)): bool
`;

const PARTS_OF_TIME = "getFullYear getMonth getDayOfYear getDayOfMonth getDate getDayOfWeek".split(" ");
const PARTS_OF_DURATION = "getHours getMinutes getSeconds getMilliseconds".split(" ");

const STANDARD = `
size(bytes): int
bytes.size(): int
size(list(A)): int
list(A).size(): int
size(map(A, B)): int
map(A, B).size(): int
size(string): int
string.size(): int
type(A): type(A)
dyn(A): dyn
bool(bool): bool
bool(string): bool
bytes(bytes): bytes
bytes(string): bytes
double(double): double
double(int): double
double(string): double
double(uint): double
duration(duration): duration
duration(string): duration
int(int): int
int(double): int
int(duration): int
int(string): int
int(timestamp): int
int(uint): int
${["string", "bool", "bytes", "double", "duration", "int", "timestamp", "uint"].map((type) => `string(${type}): string`).join("\n")}
timestamp(timestamp): timestamp
timestamp(int): timestamp
timestamp(string): timestamp
uint(uint): uint
uint(double): uint
uint(int): uint
uint(string): uint
string.contains(string): bool
string.endsWith(string): bool
string.startsWith(string): bool
matches(string, string): bool
string.matches(string): bool
${[...PARTS_OF_TIME, ...PARTS_OF_DURATION].flatMap((name) => [`timestamp.${name}(): int`, `timestamp.${name}(string): int`]).join("\n")}
${PARTS_OF_DURATION.map((name) => `duration.${name}(): int`).join("\n")}
optional.of(A): optional(A)
optional.ofNonZeroValue(A): optional(A)
optional.none(): optional(A)
optional.unwrap(list(optional(A))): list(A)
list(optional(A)).unwrapOpt(): list(A)
optional(A).value(): A
optional(A).hasValue(): bool
optional(A).or(optional(A)): optional(A)
optional(A).orValue(A): A
string.charAt(int): string
string.indexOf(string): int
string.indexOf(string, int): int
string.lastIndexOf(string): int
string.lastIndexOf(string, int): int
string.lowerAscii(): string
string.replace(string, string): string
string.replace(string, string, int): string
string.split(string): list(string)
string.split(string, int): list(string)
string.substring(int): string
string.substring(int, int): string
string.trim(): string
string.upperAscii(): string
string.format(list(dyn)): string
strings.quote(string): string
list(string).join(): string
list(string).join(string): string
sets.contains(list(A), list(A)): bool
sets.equivalent(list(A), list(A)): bool
sets.intersects(list(A), list(A)): bool
list(A).slice(int, int): list(A)
list(list(A)).flatten(): list(A)
list(dyn).flatten(int): list(dyn)
lists.range(int): list(int)
list(A).reverse(): list(A)
list(A).distinct(): list(A)
list(A).first(): optional(A)
list(A).last(): optional(A)
cel.@mapInsert(map(A, B), map(A, B)): map(A, B)
cel.@mapInsert(map(A, B), A, B): map(A, B)
${ORDERED.flatMap((type) => [`list(${type}).sort(): list(${type})`, `list(A).@sortByAssociatedKeys(list(${type})): list(A)`]).join("\n")}
`;

const COMPARABLE = ["int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"];
const SUMMABLE = ["int", "uint", "double", "duration"];

const KUBERNETES = `
${COMPARABLE.flatMap((type) => [`list(${type}).isSorted(): bool`, `list(${type}).max(): ${type}`, `list(${type}).min(): ${type}`]).join("\n")}
${SUMMABLE.map((type) => `list(${type}).sum(): ${type}`).join("\n")}
list(A).indexOf(A): int
list(A).lastIndexOf(A): int
string.find(string): string
string.findAll(string): list(string)
string.findAll(string, int): list(string)
url(string): kubernetes.URL
isURL(string): bool
${["getScheme", "getHost", "getHostname", "getPort", "getEscapedPath"].map((name) => `kubernetes.URL.${name}(): string`).join("\n")}
kubernetes.URL.getQuery(): map(string, list(string))
ip(string): net.IP
isIP(string): bool
ip.isCanonical(string): bool
string(net.IP): string
net.IP.family(): int
${["isUnspecified", "isLoopback", "isLinkLocalMulticast", "isLinkLocalUnicast", "isGlobalUnicast"].map((name) => `net.IP.${name}(): bool`).join("\n")}
cidr(string): net.CIDR
isCIDR(string): bool
string(net.CIDR): string
net.CIDR.containsIP(string): bool
net.CIDR.containsIP(net.IP): bool
net.CIDR.containsCIDR(string): bool
net.CIDR.containsCIDR(net.CIDR): bool
net.CIDR.ip(): net.IP
net.CIDR.prefixLength(): int
net.CIDR.masked(): net.CIDR
kubernetes.NamedFormat.validate(string): optional(list(string))
format.named(string): optional(kubernetes.NamedFormat)
${"dns1123Label dns1123Subdomain dns1035Label qualifiedName dns1123LabelPrefix dns1123SubdomainPrefix dns1035LabelPrefix labelValue uri uuid byte date datetime"
  .split(" ")
  .map((name) => `format.${name}(): kubernetes.NamedFormat`)
  .join("\n")}
quantity(string): kubernetes.Quantity
isQuantity(string): bool
sign(kubernetes.Quantity): int
kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool
kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool
kubernetes.Quantity.compareTo(kubernetes.Quantity): int
kubernetes.Quantity.asApproximateFloat(): double
kubernetes.Quantity.asInteger(): int
kubernetes.Quantity.isInteger(): bool
kubernetes.Quantity.add(kubernetes.Quantity): kubernetes.Quantity
kubernetes.Quantity.add(int): kubernetes.Quantity
kubernetes.Quantity.sub(kubernetes.Quantity): kubernetes.Quantity
kubernetes.Quantity.sub(int): kubernetes.Quantity
semver(string): kubernetes.Semver
semver(string, bool): kubernetes.Semver
isSemver(string): bool
isSemver(string, bool): bool
kubernetes.Semver.isGreaterThan(kubernetes.Semver): bool
kubernetes.Semver.isLessThan(kubernetes.Semver): bool
kubernetes.Semver.compareTo(kubernetes.Semver): int
kubernetes.Semver.major(): int
kubernetes.Semver.minor(): int
kubernetes.Semver.patch(): int
`;

const AUTHORIZER = `
AUTH.Authorizer.path(string): AUTH.PathCheck
AUTH.Authorizer.group(string): AUTH.GroupCheck
AUTH.Authorizer.serviceAccount(string, string): AUTH.Authorizer
AUTH.GroupCheck.resource(string): AUTH.ResourceCheck
AUTH.ResourceCheck.subresource(string): AUTH.ResourceCheck
AUTH.ResourceCheck.namespace(string): AUTH.ResourceCheck
AUTH.ResourceCheck.name(string): AUTH.ResourceCheck
AUTH.ResourceCheck.fieldSelector(string): AUTH.ResourceCheck
AUTH.ResourceCheck.labelSelector(string): AUTH.ResourceCheck
AUTH.PathCheck.check(string): AUTH.Decision
AUTH.ResourceCheck.check(string): AUTH.Decision
AUTH.Decision.errored(): bool
AUTH.Decision.error(): string
AUTH.Decision.allowed(): bool
AUTH.Decision.reason(): string
`.replaceAll("AUTH.", "kubernetes.authorization.");

/** Functions whose names have a dot in them, and are no methods. */
const NAMESPACES = /^(?:cel|format|ip|jsonpatch|lists|optional|sets|strings)\.[@A-Za-z]\w*\(/;

export function readOverloads(text: string): Overloads {
  const all = new Map<string, Overload[]>();
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const { name, overload } = readLine(line);
    const known = all.get(name);
    if (known === undefined) all.set(name, [overload]);
    else known.push(overload);
  }
  return all;
}

/** What every expression of Kubernetes knows. */
export const BASE_OVERLOADS: Overloads = readOverloads(OPERATORS + STANDARD + KUBERNETES + AUTHORIZER);

/** The ones of `own` beside those of `base`. */
export function withOverloads(base: Overloads, own: string): Overloads {
  const all = new Map(base);
  for (const [name, more] of readOverloads(own)) all.set(name, [...(base.get(name) ?? []), ...more]);
  return all;
}

function readLine(line: string): { readonly name: string; readonly overload: Overload } {
  const [head = "", result = ""] = line.split("): ");
  const open = openParenthesis(head);
  const [callee, given] = [head.slice(0, open), head.slice(open + 1)];
  const dot = NAMESPACES.test(line) || callee.startsWith("_") ? -1 : lastDot(callee);
  const target = dot < 0 ? [] : [callee.slice(0, dot)];
  const args = [...target, ...splitTypes(given)].map(readType);
  const names = new Set([...args, readType(result)].flatMap(openNames));
  return {
    name: dot < 0 ? callee : callee.slice(dot + 1),
    overload: { method: dot >= 0, args, result: readType(result), open: [...names] },
  };
}

/** Where the arguments begin: the type of what a method is called on may have parentheses, too. */
function openParenthesis(head: string): number {
  let depth = 0;
  for (let at = head.length - 1; at >= 0; at--) {
    if (head[at] === ")") depth++;
    else if (head[at] === "(" && depth-- === 0) return at;
  }
  return head.length;
}

function lastDot(callee: string): number {
  return callee.lastIndexOf(".");
}

function splitTypes(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (const [at, char] of Array.from(text).entries()) {
    if (char === "(") depth++;
    else if (char === ")") depth--;
    else if (char === "," && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return text === "" ? [] : [...parts, text.slice(from)].map((part) => part.trim());
}

function readType(text: string): CelType {
  if (/^[A-Z]$/.test(text)) return variableType(text);
  const open = text.indexOf("(");
  if (open < 0) return namedType(text);
  const [first = namedType("dyn"), second = first] = splitTypes(text.slice(open + 1, -1)).map(readType);
  switch (text.slice(0, open)) {
    case "list":
      return listType(first);
    case "map":
      return mapType(first, second);
    case "optional":
      return optionalType(first);
    case "type":
      return typeType([first]);
  }
  throw new Error(`${text} is no type`);
}

function openNames(type: CelType): readonly string[] {
  return type.is === "variable" ? [type.name] : type.of.flatMap(openNames);
}
