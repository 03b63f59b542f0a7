/**
 * JavaScript as a list of tokens, as far as its modules' imports and exports have to be told from everything else: strings,
 * templates, regular expressions and comments are skipped as wholes.
 * Source: ECMA-262, 12 (lexical grammar). Whether `/` begins a regular expression depends on the syntax before it; it is told
 * by the token before, and for `)` and `}` by what stood before their other half.
 */

export interface Token {
  readonly type: "name" | "punctuator" | "string" | "other";
  /** Of a string: without its quotes, escapes as they stand. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** How many brackets are open around it. */
  readonly depth: number;
  /** Whether it is the first of its line. */
  readonly startsLine: boolean;
}

const SPACE = /(?:\s|\/\/[^\n\r\u2028\u2029]*|\/\*[\s\S]*?\*\/)+/y;
/** Most names, and what follows one that is not over with it. */
const PLAIN_NAME = /[A-Za-z_$#][\w$]*(?![\\\x80-\uffff])/y;
const NAME =
  /(?:[$_#\p{ID_Start}]|\\u(?:[\dA-Fa-f]{4}|\{[\dA-Fa-f]+\}))(?:[$\u200c\u200d\p{ID_Continue}]|\\u(?:[\dA-Fa-f]{4}|\{[\dA-Fa-f]+\}))*/uy;
const NUMBER = /\d[\w]*(?:\.[\w]*)?/y;
const STRING = /"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'/y;
const REGEXP = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;
const PUNCTUATOR =
  />>>=|\.\.\.|===|!==|\*\*=|<<=|>>=|>>>|&&=|\|\|=|\?\?=|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.|\+\+|--|\+=|-=|\*=|%=|&=|\|=|\^=|<<|>>|\*\*|\/=|[{}()[\];,<>+\-*%&|^!~?:=.@/]/y;
/** Up to the end of the template, or the next `${` of it. */
const TEMPLATE_PART = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y;
const LINE_BREAK = /[\n\r\u2028\u2029]/;

/** After these an expression begins. */
const BEFORE_EXPRESSION = new Set(
  "return typeof instanceof in of new delete void throw case do else yield await default extends export".split(" "),
);
/** `if (…) /x/` */
const BEFORE_STATEMENT = new Set(["if", "while", "for", "with"]);
/** `{` after these is a block. */
const BEFORE_BLOCK = new Set([")", ";", "{", "}", "=>"]);
const BEFORE_BLOCK_NAMES = new Set(["else", "do", "try", "finally"]);
const OPENING = new Set(["(", "[", "{"]);
const CLOSING = new Set([")", "]", "}"]);

interface Bracket {
  readonly text: "(" | "[" | "{" | "${";
  /** Whether what follows its other half begins an expression or a statement, so that `/` there begins a regular expression. */
  readonly thenExpression: boolean;
}

/** Errors: SyntaxError at what no token can be. */
export function tokensOf(source: string): readonly Token[] {
  return new Lexer(source).run();
}

class Lexer {
  private readonly source: string;
  private readonly tokens: Token[] = [];
  private readonly open: Bracket[] = [];
  private at = 0;
  private startsLine = true;
  /** Whether an expression may begin here. */
  private expressionMayBegin = true;

  constructor(source: string) {
    this.source = source;
  }

  run(): readonly Token[] {
    const { source } = this;
    if (source.startsWith("#!")) this.at = source.search(/\n|$/);
    for (;;) {
      this.skipSpace();
      if (this.at >= source.length) return this.tokens;
      this.next();
      this.startsLine = false;
    }
  }

  private skipSpace(): void {
    const space = this.match(SPACE);
    if (space !== undefined && LINE_BREAK.test(space)) this.startsLine = true;
    this.at += space?.length ?? 0;
  }

  private next(): void {
    const { source, at } = this;
    const char = source[at]!;
    if (char === "`") return this.template(1);
    if (char === "}" && this.open.at(-1)?.text === "${") {
      this.open.pop();
      return this.template(1);
    }
    if (char === '"' || char === "'") {
      const text = this.match(STRING);
      if (text === undefined) throw new SyntaxError("a string without an end");
      return this.push("string", text.slice(1, -1), text.length, false);
    }
    if (char === "/" && this.expressionMayBegin) {
      const text = this.match(REGEXP);
      if (text === undefined) throw new SyntaxError("a regular expression without an end");
      return this.push("other", text, text.length, false);
    }
    const name = this.match(PLAIN_NAME);
    if (name !== undefined) return this.name(name);
    const punctuator = this.match(PUNCTUATOR);
    if (punctuator !== undefined) return this.punctuator(punctuator);
    const number = this.match(NUMBER);
    if (number !== undefined) return this.push("other", number, number.length, false);
    const other = this.match(NAME);
    if (other === undefined) throw new SyntaxError(`unexpected ${JSON.stringify(char)}`);
    this.name(other);
  }

  private name(name: string): void {
    const isProperty = this.isAfter(".") || this.isAfter("?.");
    this.push("name", name, name.length, !isProperty && BEFORE_EXPRESSION.has(name));
  }

  private punctuator(punctuator: string): void {
    if (OPENING.has(punctuator)) return this.opening(punctuator as Bracket["text"]);
    if (CLOSING.has(punctuator)) {
      const bracket = this.open.pop();
      return this.push("punctuator", punctuator, 1, bracket?.thenExpression ?? true);
    }
    const isPostfix = punctuator === "++" || punctuator === "--";
    this.push("punctuator", punctuator, punctuator.length, !isPostfix || this.expressionMayBegin);
  }

  private opening(text: Bracket["text"]): void {
    const thenExpression = this.leadsToExpression(text);
    this.push("punctuator", text, 1, true);
    this.open.push({ text, thenExpression });
  }

  private leadsToExpression(text: Bracket["text"]): boolean {
    const before = this.tokens.at(-1);
    switch (text) {
      case "(":
        return before?.type === "name" && BEFORE_STATEMENT.has(before.text);
      case "{":
        if (before === undefined) return true;
        return before.type === "name" ? this.isBlockName(before.text) : BEFORE_BLOCK.has(before.text);
      case "[":
      case "${":
        return false;
    }
  }

  /** A class's body follows a name too; it is taken for a block's. */
  private isBlockName(name: string): boolean {
    return BEFORE_BLOCK_NAMES.has(name) || !BEFORE_EXPRESSION.has(name);
  }

  private template(skip: number): void {
    const { at } = this;
    this.at += skip;
    const part = this.match(TEMPLATE_PART);
    this.at = at;
    if (part === undefined) throw new SyntaxError("a template without an end");
    const isOver = part.endsWith("`");
    this.push("other", "`", skip + part.length, !isOver);
    if (!isOver) this.open.push({ text: "${", thenExpression: false });
  }

  private isAfter(text: string): boolean {
    const before = this.tokens.at(-1);
    return before?.type === "punctuator" && before.text === text;
  }

  private push(type: Token["type"], text: string, length: number, expressionMayBegin: boolean): void {
    const { at, startsLine } = this;
    this.tokens.push({ type, text, start: at, end: at + length, depth: this.open.length, startsLine });
    this.at = at + length;
    this.expressionMayBegin = expressionMayBegin;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    return pattern.exec(this.source)?.[0];
  }
}
