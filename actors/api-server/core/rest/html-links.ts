/**
 * The links of an HTML page that comes piece by piece. The rest of the page stays as it is, byte by byte.
 * Source: apimachinery `pkg/util/proxy/transport.go`, for the attributes.
 * @see https://html.spec.whatwg.org/multipage/parsing.html#tokenization
 */
const LINKS: Readonly<Record<string, readonly string[]>> = {
  a: ["href"],
  applet: ["codebase"],
  area: ["href"],
  audio: ["src"],
  base: ["href"],
  blockquote: ["cite"],
  body: ["background"],
  button: ["formaction"],
  command: ["icon"],
  del: ["cite"],
  embed: ["src"],
  form: ["action"],
  frame: ["longdesc", "src"],
  head: ["profile"],
  html: ["manifest"],
  iframe: ["longdesc", "src"],
  img: ["longdesc", "src", "usemap"],
  input: ["src", "usemap", "formaction"],
  ins: ["cite"],
  link: ["href"],
  object: ["classid", "codebase", "data", "usemap"],
  q: ["cite"],
  script: ["src"],
  source: ["src"],
  video: ["poster", "src"],
};

/** Elements in which no tag but their own end counts. */
const RAW: ReadonlyMap<string, RegExp> = new Map(
  ["iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "textarea", "title", "xmp"].map(
    (name) => [name, new RegExp(`</${name}(?=[\\s/>])`, "gi")],
  ),
);

/** What is longer and has no end yet is passed on as text: it would hold up the page, and be read again with each piece. */
const HELD_CHARS_MAX = 16_384;

interface Tag {
  readonly end: number;
  readonly name: string;
  /** Where the values of attributes are. */
  readonly values: readonly { readonly name: string; readonly from: number; readonly to: number }[];
}

/** A tag, or where something else ends; undefined while it is not there whole. */
type Read = Tag | number | undefined;

const match = (pattern: RegExp, text: string, from: number): string => {
  pattern.lastIndex = from;
  return pattern.exec(text)?.[0] ?? "";
};
const NAME = /[^\s/>]+/y;
const ATTRIBUTE = /[^\s/>][^\s/>=]*/y;
const BETWEEN = /[\s/]*/y;
const SPACE = /\s*/y;
const UNQUOTED = /[^\s>]*/y;

function readTag(text: string, from: number): Read {
  const name = match(NAME, text, from);
  const values: { name: string; from: number; to: number }[] = [];
  for (let i = from + name.length; ;) {
    i += match(BETWEEN, text, i).length;
    if (i >= text.length) return undefined;
    if (text[i] === ">") return { end: i + 1, name: name.toLowerCase(), values };
    const attribute = match(ATTRIBUTE, text, i);
    i += attribute.length;
    const equals = i + match(SPACE, text, i).length;
    if (text[equals] !== "=") continue;
    i = equals + 1 + match(SPACE, text, equals + 1).length;
    const quote = text[i] ?? "";
    if (quote === ">") continue;
    const isQuoted = quote === '"' || quote === "'";
    const start = isQuoted ? i + 1 : i;
    const to = isQuoted ? text.indexOf(quote, start) : start + match(UNQUOTED, text, start).length;
    if (to < 0 || to >= text.length) return undefined;
    values.push({ name: attribute.toLowerCase(), from: start, to });
    i = isQuoted ? to + 1 : to;
  }
}

function endOf(mark: string, text: string, from: number): Read {
  const found = text.indexOf(mark, from);
  return found < 0 ? undefined : found + mark.length;
}

/** What begins with a `<`. */
function readMarkup(text: string, from: number): Read {
  if (text.length - from < 4) return undefined;
  if (text.startsWith("<!--", from)) return endOf("-->", text, from + 2);
  const isEnd = text[from + 1] === "/";
  const first = text[from + (isEnd ? 2 : 1)] ?? "";
  if (!/[a-z]/i.test(first)) return isEnd || first === "!" || first === "?" ? endOf(">", text, from) : from + 1;
  const tag = readTag(text, from + (isEnd ? 2 : 1));
  return isEnd && typeof tag === "object" ? tag.end : tag;
}

export class HtmlLinks {
  private readonly rewrite: (link: string) => string;
  private held = "";
  /** The element whose end is waited for. */
  private raw: string | undefined;

  /** @param rewrite a link as it is written */
  constructor(rewrite: (link: string) => string) {
    this.rewrite = rewrite;
  }

  /** What of the page is done, with what has been held back before. */
  write(piece: string): string {
    const text = this.held + piece;
    let [done, i] = ["", 0];
    while (i < text.length) {
      const next = this.nextMarkup(text, i);
      done += text.slice(i, next);
      i = next;
      if (i >= text.length || this.raw !== undefined) break;
      const read = readMarkup(text, i);
      if (read === undefined && text.length - i <= HELD_CHARS_MAX) break;
      const isTag = typeof read === "object";
      done += isTag ? this.rewritten(text, i, read) : text.slice(i, read);
      i = isTag ? read.end : (read ?? text.length);
    }
    this.held = text.slice(i);
    return done;
  }

  /** What is left at the end of the page. */
  end(): string {
    return this.held;
  }

  private nextMarkup(text: string, from: number): number {
    const ending = this.raw === undefined ? undefined : RAW.get(this.raw);
    if (ending === undefined) return indexOr(text.length, text.indexOf("<", from));
    ending.lastIndex = from;
    const found = ending.exec(text);
    // The end may have begun: `</scri`.
    if (found === null) return Math.max(from, text.length - (this.raw ?? "").length - "</".length);
    this.raw = undefined;
    return found.index;
  }

  private rewritten(text: string, from: number, { end, name, values }: Tag): string {
    if (RAW.has(name)) this.raw = name;
    const links = Object.hasOwn(LINKS, name) ? (LINKS[name] ?? []) : [];
    let [done, i] = ["", from];
    for (const value of values.filter((each) => links.includes(each.name))) {
      done += text.slice(i, value.from) + this.rewrite(text.slice(value.from, value.to));
      i = value.to;
    }
    return done + text.slice(i, end);
  }
}

function indexOr(none: number, found: number): number {
  return found < 0 ? none : found;
}
