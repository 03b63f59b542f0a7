/** What is wrong with a text that is no JSON, in the words of Go's `encoding/json` (`scanner.go`). */

const END = "unexpected end of JSON input";
/** Behind the text Go reads a space, which ends a number or a word. */
const BEHIND = " ";

/** The first mistake of a text that `JSON.parse` refuses. Takes time in proportion to the text. */
export function jsonProblem(text: string): string {
  try {
    new Scan(text).whole();
    return END;
  } catch (error) {
    if (error instanceof Mistake) return error.message;
    throw error;
  }
}

class Mistake extends Error {}

type Context = "object" | "array";

class Scan {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Lists and objects that are open are kept by hand: a text may nest deeper than calls do. */
  whole(): void {
    const open: Context[] = [];
    this.#value(open);
    while (open.length > 0) this.#inside(open);
    this.#space();
    if (this.#at < this.#text.length) this.#refuse("after top-level value");
  }

  /** What stands behind a value or the beginning of a list or an object, up to the next value. */
  #inside(open: Context[]): void {
    this.#space();
    const context = open.at(-1);
    const char = this.#next();
    if (char === (context === "object" ? "}" : "]")) {
      open.pop();
      this.#at++;
      return;
    }
    if (char !== ",") this.#refuse(context === "object" ? "after object key:value pair" : "after array element");
    this.#at++;
    if (context === "object") this.#key();
    this.#value(open);
  }

  #value(open: Context[]): void {
    while (this.#opens(open));
  }

  /** Whether the first value of a list or an object follows. */
  #opens(open: Context[]): boolean {
    this.#space();
    const char = this.#next();
    if (char !== "{" && char !== "[") {
      this.#scalar(char);
      return false;
    }
    this.#at++;
    this.#space();
    open.push(char === "{" ? "object" : "array");
    if (this.#next() === (char === "{" ? "}" : "]")) return false;
    if (char === "{") this.#key();
    return true;
  }

  #scalar(char: string): void {
    switch (char) {
      case '"':
        return this.#string();
      case "t":
        return this.#word("true");
      case "f":
        return this.#word("false");
      case "n":
        return this.#word("null");
      default:
        if (char === "-" || isDigit(char)) return this.#number();
        this.#refuse("looking for beginning of value");
    }
  }

  #key(): void {
    this.#space();
    if (this.#next() !== '"') this.#refuse("looking for beginning of object key string");
    this.#string();
    this.#space();
    if (this.#next() !== ":") this.#refuse("after object key");
    this.#at++;
  }

  #string(): void {
    this.#at++;
    for (;;) {
      const char = this.#next();
      if (char < " ") this.#refuse("in string literal");
      this.#at++;
      if (char === '"') return;
      if (char === "\\") this.#escape();
    }
  }

  #escape(): void {
    const char = this.#next();
    if (!'"\\/bfnrtu'.includes(char)) this.#refuse("in string escape code");
    this.#at++;
    if (char !== "u") return;
    for (let i = 0; i < 4; i++, this.#at++) {
      if (!/[0-9a-fA-F]/.test(this.#next())) this.#refuse("in \\u hexadecimal character escape");
    }
  }

  #word(word: string): void {
    for (const letter of word) {
      if (this.#nextOrBehind() !== letter) this.#refuse(`in literal ${word} (expecting ${shown(letter)})`);
      this.#at++;
    }
  }

  #number(): void {
    if (this.#next() === "-") this.#at++;
    if (this.#nextOrBehind() === "0") this.#at++;
    else this.#digits("in numeric literal");
    if (this.#nextOrBehind() === ".") {
      this.#at++;
      this.#digits("after decimal point in numeric literal");
    }
    if (/[eE]/.test(this.#nextOrBehind())) {
      this.#at++;
      if (/[+-]/.test(this.#nextOrBehind())) this.#at++;
      this.#digits("in exponent of numeric literal");
    }
  }

  #digits(where: string): void {
    if (!isDigit(this.#nextOrBehind())) this.#refuse(where);
    while (isDigit(this.#nextOrBehind())) this.#at++;
  }

  #space(): void {
    while (" \t\r\n".includes(this.#text.charAt(this.#at)) && this.#at < this.#text.length) this.#at++;
  }

  /** @throws Mistake at the end */
  #next(): string {
    if (this.#at >= this.#text.length) throw new Mistake(END);
    return this.#text.charAt(this.#at);
  }

  #nextOrBehind(): string {
    return this.#text.charAt(this.#at) || BEHIND;
  }

  #refuse(where: string): never {
    const char = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? BEHIND.charCodeAt(0));
    throw new Mistake(`invalid character ${shown(char)} ${where}`);
  }
}

function isDigit(char: string): boolean {
  return char >= "0" && char <= "9" && char.length === 1;
}

/** Go names the first byte of it. */
function shown(char: string): string {
  if (char === "'") return "'\\''";
  if (char === '"') return "'\"'";
  const [byte = 0] = new TextEncoder().encode(char);
  return `'${goEscaped(byte)}'`;
}

const ESCAPES: Readonly<Record<number, string>> = {
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
  92: "\\\\",
};

function goEscaped(byte: number): string {
  const known = ESCAPES[byte];
  if (known !== undefined) return known;
  if (byte < 32 || byte === 127) return `\\x${hex(byte)}`;
  return (byte > 127 && byte < 161) || byte === 173 ? `\\u00${hex(byte)}` : String.fromCharCode(byte);
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
