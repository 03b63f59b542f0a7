/** URLs as Go has them: their parts stay as they were written. Source: Go's `net/url` (`ParseRequestURI`). */

export interface GoUrl {
  /** As it is shown. */
  readonly text: string;
  readonly scheme: string;
  /** With its port. */
  readonly host: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
  readonly query: ReadonlyMap<string, readonly string[]>;
}

/** The URL, or what is wrong with it in Go's words. */
export function readUrl(text: string): GoUrl | { readonly problem: string } {
  const problem = (why: string): { readonly problem: string } => ({ problem: `parse ${JSON.stringify(text)}: ${why}` });
  for (const char of text) {
    if (char < " " || char === "\u007f") return problem("net/url: invalid control character in URL");
  }
  if (text === "") return problem("empty url");
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1] ?? "";
  if (scheme === "" && text.startsWith(":")) return problem("missing protocol scheme");
  const rest = scheme === "" ? text : text.slice(scheme.length + 1);
  const mark = rest.indexOf("?");
  const [before, query] = mark < 0 ? [rest, ""] : [rest.slice(0, mark), rest.slice(mark + 1)];
  if (!before.startsWith("/")) {
    if (scheme === "" && text !== "*") return problem("invalid URI for request");
    return urlOf(text, scheme.toLowerCase(), "", "", query);
  }
  const hasHost = scheme !== "" && before.startsWith("//");
  const authority = hasHost ? (/^[^/]*/.exec(before.slice(2))?.[0] ?? "") : "";
  const path = hasHost ? before.slice(2 + authority.length) : before;
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  const wrong = hostProblem(host) ?? escapeProblem(path);
  return wrong === undefined ? urlOf(text, scheme.toLowerCase(), host, path, query) : problem(wrong);
}

function escapeProblem(text: string): string | undefined {
  const bad = /%(?![0-9A-Fa-f]{2})/.exec(text);
  return bad === null ? undefined : `invalid URL escape ${JSON.stringify(text.slice(bad.index, bad.index + 3))}`;
}

function hostProblem(host: string): string | undefined {
  const escape = escapeProblem(host);
  if (escape !== undefined) return escape;
  const bad = /[\s<>"\\^`{|}]/.exec(host);
  if (bad !== null) return `invalid character ${JSON.stringify(bad[0])} in host name`;
  const close = host.lastIndexOf("]");
  if (host.startsWith("[") && close < 0) return "missing ']' in host";
  const colon = host.startsWith("[") ? close + 1 : host.indexOf(":");
  const port = colon < 0 ? "" : host.slice(colon);
  return /^(:\d*)?$/.test(port) ? undefined : `invalid port ${JSON.stringify(port)} after host`;
}

function urlOf(text: string, scheme: string, host: string, path: string, query: string): GoUrl {
  const port = /:(\d*)$/.exec(host.slice(host.lastIndexOf("]") + 1))?.[1] ?? "";
  const hostname = host.replace(/:\d*$/, host.endsWith("]") ? "$&" : "").replace(/^\[(.*)\]$/, "$1");
  return { text, scheme, host, hostname, port, path: escapedPath(path), query: queryOf(query) };
}

/** What may not stand in a path is escaped; what is escaped already stays so. */
function escapedPath(path: string): string {
  return path.replaceAll(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/%[\]]+/g, (part) =>
    Array.from(new TextEncoder().encode(part), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(
      "",
    ),
  );
}

/** Pairs that can't be read are left out. */
function queryOf(query: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const pair of query.split("&")) {
    if (pair === "" || pair.includes(";")) continue;
    const equals = pair.indexOf("=");
    const key = unescaped(equals < 0 ? pair : pair.slice(0, equals));
    const value = unescaped(equals < 0 ? "" : pair.slice(equals + 1));
    if (key === undefined || value === undefined) continue;
    const values = found.get(key);
    if (values === undefined) found.set(key, [value]);
    else values.push(value);
  }
  return found;
}

function unescaped(text: string): string | undefined {
  if (escapeProblem(text) !== undefined) return undefined;
  const bytes: number[] = [];
  const plain = new TextEncoder().encode(text.replaceAll("+", " "));
  for (let i = 0; i < plain.length; i++) {
    if (plain[i] !== 0x25) bytes.push(plain[i] ?? 0);
    else {
      bytes.push(Number.parseInt(String.fromCharCode(plain[i + 1] ?? 0, plain[i + 2] ?? 0), 16));
      i += 2;
    }
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
