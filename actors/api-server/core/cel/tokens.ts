/** An expression as a list of tokens. Source: cel-go `parser/gen/CEL.g4`. */
import type { Problem } from "./expression.ts";

export type TokenKind =
  | "bytes"
  | "end"
  | "float"
  | "identifier"
  | "escaped"
  | "int"
  | "sign"
  | "string"
  | "uint"
  | "word";

export interface Token {
  readonly is: TokenKind;
  /** As it stands in the expression; of an end what messages call it. */
  readonly text: string;
  /** In UTF-16 units. */
  readonly at: number;
}

const WORDS: ReadonlySet<string> = new Set(["false", "in", "null", "true"]);
const ESCAPE =
  String.raw`\\(?:[abfnrtv"'\\?` +
  "`" +
  String.raw`]|[0-3][0-7]{2}|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})`;
const TEXT = [
  String.raw`[rR](?:"""[^]*?"""|'''[^]*?'''|"[^"\n\r]*"|'[^'\n\r]*')`,
  `"""(?:${ESCAPE}|[^\\\\])*?"""`,
  `'''(?:${ESCAPE}|[^\\\\])*?'''`,
  `"(?:${ESCAPE}|[^\\\\"\\n\\r])*"`,
  `'(?:${ESCAPE}|[^\\\\'\\n\\r])*'`,
].join("|");

/** The longest that fits wins, and of two that are as long the first. */
const PATTERNS: readonly (readonly [TokenKind | "space", RegExp])[] = [
  ["space", /[\t \r\n\f]+|\/\/[^\n]*/uy],
  ["bytes", new RegExp(`[bB](?:${TEXT})`, "uy")],
  ["string", new RegExp(TEXT, "uy")],
  ["float", /\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?/uy],
  ["uint", /(?:0x[0-9a-fA-F]+|\d+)[uU]/uy],
  ["int", /0x[0-9a-fA-F]+|\d+/uy],
  ["identifier", /[A-Za-z_]\w*/uy],
  ["escaped", /`[\w./ -]+`/uy],
  ["sign", /==|!=|<=|>=|&&|\|\||[<>[\]{}().,\-!?:+*/%]/uy],
];

/** @param problems takes what is no token */
export function tokensOf(text: string, problems: Problem[]): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length;) {
    const found = longestAt(text, at);
    if (found === undefined) {
      const piece = unrecognized(text, at);
      problems.push({ at, words: `Syntax error: token recognition error at: '${piece}'` });
      at += piece.length;
      continue;
    }
    const { is, length } = found;
    const piece = text.slice(at, at + length);
    if (is !== "space") tokens.push({ is: is === "identifier" && WORDS.has(piece) ? "word" : is, text: piece, at });
    at += length;
  }
  return [...tokens, { is: "end", text: "<EOF>", at: text.length }];
}

function longestAt(
  text: string,
  at: number,
): { readonly is: TokenKind | "space"; readonly length: number } | undefined {
  let best: { readonly is: TokenKind | "space"; readonly length: number } | undefined;
  for (const [is, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const length = pattern.exec(text)?.[0].length ?? 0;
    if (length > (best?.length ?? 0)) best = { is, length };
  }
  return best;
}

const ESCAPE_START = String.raw`\\(?:[0-3][0-7]?|[xX][0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7})?`;
/** What could have become a token, with the character that it could not have. */
const BROKEN = new RegExp(
  [
    `'(?:${ESCAPE}|[^\\\\'\\n\\r])*(?:${ESCAPE_START})?[^]?`,
    `"(?:${ESCAPE}|[^\\\\"\\n\\r])*(?:${ESCAPE_START})?[^]?`,
    "`[\\w./ -]*[^]?",
    "[=&|][^]?",
    "[^]",
  ].join("|"),
  "uy",
);

function unrecognized(text: string, at: number): string {
  BROKEN.lastIndex = at;
  return BROKEN.exec(text)?.[0] ?? text.slice(at, at + 1);
}

const ESCAPES: Readonly<Record<string, string>> = { a: "\u0007", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** What stands between the quotes of a token, and whether a backslash in it is only one. */
function quotedIn(token: string): { readonly inner: string; readonly raw: boolean } {
  const raw = /^[rR]/.test(token);
  const quoted = raw ? token.slice(1) : token;
  const marks = quoted.startsWith('"""') || quoted.startsWith("'''") ? 3 : 1;
  return { inner: quoted.slice(marks, -marks), raw };
}

const ESCAPED = /\\(?:([0-3][0-7]{2})|[xXuU]([0-9a-fA-F]+)|(.))/gu;

/** What an escape sequence stands for: a code, or what is no number as it is. */
function escapeOf(octal: string | undefined, hex: string | undefined, char: string): number | string {
  if (octal !== undefined) return Number.parseInt(octal, 8);
  return hex === undefined ? (ESCAPES[char] ?? char) : Number.parseInt(hex, 16);
}

/** What a token of a string stands for. */
export function stringOf(token: string): string {
  const { inner, raw } = quotedIn(token);
  if (raw) return inner;
  return inner.replaceAll(ESCAPED, (_all, octal: string, hex: string, char: string) => {
    const found = escapeOf(octal, hex, char);
    return typeof found === "string" ? found : String.fromCodePoint(Math.min(found, 0x10_ff_ff));
  });
}

/** What a token of bytes stands for: its text in UTF-8, in which a number is one byte. */
export function bytesOf(token: string): Uint8Array {
  const { inner, raw } = quotedIn(token.slice(1));
  const utf8 = new TextEncoder();
  if (raw) return utf8.encode(inner);
  const bytes: number[] = [];
  let from = 0;
  for (const escape of inner.matchAll(ESCAPED)) {
    const [all, octal, hex, char = ""] = escape;
    const found = escapeOf(octal, hex, char);
    bytes.push(...utf8.encode(inner.slice(from, escape.index)));
    if (typeof found === "string") bytes.push(...utf8.encode(found));
    else bytes.push(found % 256);
    from = escape.index + all.length;
  }
  return Uint8Array.from([...bytes, ...utf8.encode(inner.slice(from))]);
}
