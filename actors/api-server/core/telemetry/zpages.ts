/**
 * `/flagz` and `/statusz`: what a server was started with, and how it is, for people; for programs as kinds of config.k8s.io.
 * @see KEP-4827, KEP-4828; component-base `zpages`
 */
import { KUBERNETES_VERSION } from "../machinery/discovery.ts";
import { formatTime } from "../machinery/time.ts";

export type ZPage = "flagz" | "statusz";

/** By which they call this server. */
const COMPONENT = "apiserver";
const GROUP = "config.k8s.io";
const KINDS: Readonly<Record<ZPage, string>> = { flagz: "Flagz", statusz: "Statusz" };
const VERSIONS: readonly string[] = ["v1beta1", "v1alpha1"];
export const ZPAGE_TYPES: readonly string[] = ["application/json", "application/yaml", "text/plain"];

export function isZPage(name: string): name is ZPage {
  return Object.hasOwn(KINDS, name);
}

export type ZForm =
  | { readonly mediaType: "text/plain" }
  | { readonly mediaType: "application/json" | "application/yaml"; readonly version: string };

/** Undefined: the client takes none of them. JSON and YAML are to be asked for with group, version and kind. */
export function zFormOf(page: ZPage, accept: string | undefined): ZForm | undefined {
  for (const clause of (accept || "*/*").split(",")) {
    const [type = "", ...parameters] = clause.split(";").map((part) => part.trim());
    if (type === "*/*" || type === "text/*" || type === "text/plain") return { mediaType: "text/plain" };
    if (type !== "application/json" && type !== "application/yaml") continue;
    const version = VERSIONS.find((each) => parameters.includes(`v=${each}`));
    const isKind = parameters.includes(`g=${GROUP}`) && parameters.includes(`as=${KINDS[page]}`);
    if (version !== undefined && isKind) return { mediaType: type, version };
  }
  return undefined;
}

export function zContentType(page: ZPage, form: ZForm): string {
  if (form.mediaType === "text/plain") return "text/plain; charset=utf-8";
  return `${form.mediaType};g=${GROUP};v=${form.version};as=${KINDS[page]}`;
}

/** Undefined of the newest version. */
export function zDeprecation(page: ZPage, form: ZForm): string | undefined {
  return "version" in form && form.version !== VERSIONS[0]
    ? `This version of the ${page} endpoint is deprecated. Please use a newer version.`
    : undefined;
}

const UNPARSEABLE =
  "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.";

export interface ServerStatus {
  readonly startedMs: number;
  readonly nowMs: number;
}

export type Flags = Readonly<Record<string, string>>;

export function flagzText(flags: Flags): string {
  const lines = Object.keys(flags).map((name) => `${name}: ${flags[name]}`);
  return ["", `${COMPONENT} flagz`, UNPARSEABLE, ...lines, ""].join("\n");
}

export function zObject(page: ZPage, version: string, content: object): object {
  return { kind: KINDS[page], apiVersion: `${GROUP}/${version}`, metadata: { name: COMPONENT }, ...content };
}

/** `v1.37.1+inkube`. */
const BINARY_VERSION = KUBERNETES_VERSION.replace(/^v/, "");
const EMULATION_VERSION = /^\d+\.\d+/.exec(BINARY_VERSION)?.[0] ?? "";
const PATHS = ["/flagz", "/healthz", "/livez", "/metrics", "/readyz", "/statusz", "/version"];
const MS_PER_SECOND = 1_000;
const SECONDS_PER_MINUTE = 60;
const MINUTES_PER_HOUR = 60;

function uptimeSeconds({ startedMs, nowMs }: ServerStatus): number {
  return Math.max(0, Math.floor((nowMs - startedMs) / MS_PER_SECOND));
}

export function statuszText(status: ServerStatus): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const seconds = uptimeSeconds(status);
  const minutes = Math.floor(seconds / SECONDS_PER_MINUTE);
  const hours = Math.floor(minutes / MINUTES_PER_HOUR);
  const up = `${hours} hr ${two(minutes % MINUTES_PER_HOUR)} min ${two(seconds % SECONDS_PER_MINUTE)} sec`;
  const rows = [
    `Started: ${unixDate(status.startedMs)}`,
    `Up: ${up}`,
    `Binary version: ${BINARY_VERSION}`,
    `Emulation version: ${EMULATION_VERSION}`,
    `Paths: ${PATHS.join(" ")}`,
  ];
  return ["", `${COMPONENT} statusz`, UNPARSEABLE, "", ...rows, ""].join("\n");
}

export function statuszContent(status: ServerStatus): object {
  return {
    startTime: formatTime(status.startedMs),
    uptimeSeconds: uptimeSeconds(status),
    // No Go: the field is one that every Statusz has.
    goVersion: "",
    binaryVersion: BINARY_VERSION,
    emulationVersion: EMULATION_VERSION,
    paths: PATHS,
  };
}

/** `Sun Nov 29 10:33:16 UTC 2026`, Go's `time.UnixDate`. */
function unixDate(ms: number): string {
  const [day = "", date = "", month = "", year = "", time = ""] = new Date(ms)
    .toUTCString()
    .replace(",", "")
    .split(" ");
  return `${day} ${month} ${date.replace(/^0/, " ")} ${time} UTC ${year}`;
}
