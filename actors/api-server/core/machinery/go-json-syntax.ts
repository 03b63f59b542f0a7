/** What is wrong with JSON, in the words of Go's `encoding/json`, which clients know from kube-apiserver. */

const encoder = new TextEncoder();

const END = "unexpected end of JSON input";
const SPACE = 0x20;
const LITERALS: ReadonlyMap<string, string> = new Map([
  ["t", "true"],
  ["f", "false"],
  ["n", "null"],
]);
const VALUE = "looking for beginning of value";
const KEY = "looking for beginning of object key string";

/** What may follow. */
type Expected = "value" | "value or ]" | "key" | "key or }" | "colon" | "end of value";

/** Undefined for JSON. */
export function jsonProblem(json: string | Uint8Array): string | undefined {
  const problem = new Scan(typeof json === "string" ? encoder.encode(json) : json).problem();
  if (problem === undefined) return undefined;
  return problem === END ? END : `invalid character ${problem}`;
}

class Scan {
  private readonly bytes: Uint8Array;
  private at = 0;
  /** Closing brackets of what is open. */
  private readonly open: string[] = [];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Without `invalid character`, but for the end. */
  problem(): string | undefined {
    let expected: Expected = "value";
    for (;;) {
      this.skipSpace();
      const char = this.char();
      if (char === "") return expected === "end of value" && this.open.length === 0 ? undefined : END;
      const next: Expected | { readonly wrong: string } = this.step(expected, char);
      if (typeof next !== "string") return next.wrong;
      expected = next;
    }
  }

  private step(expected: Expected, char: string): Expected | { readonly wrong: string } {
    switch (expected) {
      case "value or ]":
        if (char === "]") return this.close();
        return this.value(char);
      case "value":
        return this.value(char);
      case "key or }":
        if (char === "}") return this.close();
        return this.key(char);
      case "key":
        return this.key(char);
      case "colon":
        if (char !== ":") return this.wrong("after object key");
        this.at++;
        return "value";
      case "end of value":
        return this.behindValue(char);
    }
  }

  private value(char: string): Expected | { readonly wrong: string } {
    if (char === "{" || char === "[") {
      this.at++;
      this.open.push(char === "{" ? "}" : "]");
      return char === "{" ? "key or }" : "value or ]";
    }
    const literal = LITERALS.get(char);
    const wrong =
      char === '"'
        ? this.string()
        : literal !== undefined
          ? this.literal(literal)
          : /[-\d]/.test(char)
            ? this.number()
            : this.wrong(VALUE).wrong;
    return wrong === undefined ? "end of value" : { wrong };
  }

  private key(char: string): Expected | { readonly wrong: string } {
    if (char !== '"') return this.wrong(KEY);
    const wrong = this.string();
    return wrong === undefined ? "colon" : { wrong };
  }

  private behindValue(char: string): Expected | { readonly wrong: string } {
    const closing = this.open.at(-1);
    if (closing === undefined) return this.wrong("after top-level value");
    if (char === closing) return this.close();
    if (char !== ",") return this.wrong(closing === "}" ? "after object key:value pair" : "after array element");
    this.at++;
    return closing === "}" ? "key" : "value";
  }

  private close(): Expected {
    this.at++;
    this.open.pop();
    return "end of value";
  }

  private string(): string | undefined {
    for (this.at++; ; this.at++) {
      const char = this.char();
      if (char === "") return END;
      if (char === '"') break;
      if (char < " ") return this.wrong("in string literal").wrong;
      if (char !== "\\") continue;
      this.at++;
      const wrong = this.escape();
      if (wrong !== undefined) return wrong;
    }
    this.at++;
    return undefined;
  }

  /** Leaves the scan at its last character. */
  private escape(): string | undefined {
    const char = this.char();
    if (char !== "u") return /["\\/bfnrt]/.test(char) ? undefined : this.wrong("in string escape code").wrong;
    for (let digits = 0; digits < 4; digits++) {
      this.at++;
      if (!/[\da-fA-F]/.test(this.char())) return this.wrong("in \\u hexadecimal character escape").wrong;
    }
    return undefined;
  }

  private literal(word: string): string | undefined {
    for (const expected of word) {
      if (this.char() !== expected) return this.wrong(`in literal ${word} (expecting '${expected}')`).wrong;
      this.at++;
    }
    return undefined;
  }

  private number(): string | undefined {
    if (this.char() === "-") this.at++;
    if (this.char() === "0") this.at++;
    else if (!this.digits()) return this.wrong("in numeric literal").wrong;
    if (this.char() === ".") {
      this.at++;
      if (!this.digits()) return this.wrong("after decimal point in numeric literal").wrong;
    }
    if (!/[eE]/.test(this.char())) return undefined;
    this.at++;
    if (/[-+]/.test(this.char())) this.at++;
    return this.digits() ? undefined : this.wrong("in exponent of numeric literal").wrong;
  }

  /** Whether there is one at least. */
  private digits(): boolean {
    const from = this.at;
    while (/\d/.test(this.char())) this.at++;
    return this.at > from;
  }

  private skipSpace(): void {
    while (/[ \t\r\n]/.test(this.char())) this.at++;
  }

  /** One byte as a character, as Go's scanner takes it; "" at the end. */
  private char(): string {
    const byte = this.bytes[this.at];
    return byte === undefined ? "" : String.fromCharCode(byte);
  }

  /** At the end Go goes on with a space, which what is begun and not whole can't take. */
  private wrong(where: string): { readonly wrong: string } {
    return { wrong: `${quotedByte(this.bytes[this.at] ?? SPACE)} ${where}` };
  }
}

const NAMED: ReadonlyMap<number, string> = new Map([
  [0x07, "\\a"],
  [0x08, "\\b"],
  [0x09, "\\t"],
  [0x0a, "\\n"],
  [0x0b, "\\v"],
  [0x0c, "\\f"],
  [0x0d, "\\r"],
  [0x27, "\\'"],
  [0x5c, "\\\\"],
]);

/** Of Latin-1, these can't be printed: control characters, the space that does not break, and the hyphen that may not be seen. */
function isPrinted(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
}

function quotedByte(byte: number): string {
  const named = NAMED.get(byte);
  if (named !== undefined) return `'${named}'`;
  if (isPrinted(byte)) return `'${String.fromCharCode(byte)}'`;
  const hex = byte.toString(16).padStart(2, "0");
  return byte < 0x80 ? `'\\x${hex}'` : `'\\u00${hex}'`;
}
