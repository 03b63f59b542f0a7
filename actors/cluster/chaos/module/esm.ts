/**
 * An ECMAScript module as the text of a function: its imports and exports are taken out and told apart, everything else stays
 * where it stood, line by line.
 * Source: ECMA-262, 16.2 (modules).
 */
import type { Token } from "./tokens.ts";
import { tokensOf } from "./tokens.ts";

export interface ImportedName {
  /** `default`, `*` for the whole namespace, or a name. */
  readonly name: string;
  readonly local: string;
}

export interface Import {
  readonly specifier: string;
  readonly names: readonly ImportedName[];
}

/** `export { name as exported } from specifier`; `name` is `*` for a namespace. */
export interface Reexport {
  readonly exported: string;
  readonly specifier: string;
  readonly name: string;
}

export interface ParsedModule {
  /** The source without its imports and exports. */
  readonly body: string;
  /** Whether it has imports, exports or `import.meta`: else it may be a script. */
  readonly isModule: boolean;
  /** In order; also those of `export … from`. */
  readonly imports: readonly Import[];
  /** Exported name to the expression within the body that gives its value. */
  readonly exports: ReadonlyMap<string, string>;
  readonly reexports: readonly Reexport[];
  /** Of `export * from`. */
  readonly stars: readonly string[];
  /** Exports that may change later on. */
  readonly mutable: ReadonlySet<string>;
  /** Whether `await` is somewhere in it. */
  readonly mayAwait: boolean;
}

/** Stands for `import()` and `import.meta` in the body, and for what is exported as the default. */
export const NAMES = { import: "$inkubeImport", meta: "$inkubeMeta", default: "$inkubeDefault" } as const;

/** Errors: SyntaxError. */
export function parseModule(source: string): ParsedModule {
  return new Parser(source).run();
}

interface Cut {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A line that begins with one of these goes on with the expression before it. */
const CONTINUES = /^(?:[([.,?:=+\-*/%&|^<>]|in$|instanceof$)/;
/** After these an expression is not over, whatever comes. */
const UNFINISHED =
  /^(?:[([{.,?:=+*/%&|^<>!~-]|=>|in|instanceof|typeof|new|delete|void|await|yield)$|[=+\-*/%&|^<>?]=?$/;

class Parser {
  private readonly source: string;
  private readonly tokens: readonly Token[];
  private at = 0;
  private readonly cuts: Cut[] = [];
  private readonly imports: Import[] = [];
  private readonly exports = new Map<string, string>();
  private readonly reexports: Reexport[] = [];
  private readonly stars: string[] = [];
  /** Names declared with `let` and `var`. */
  private readonly variables = new Set<string>();
  private isModule = false;
  private mayAwait = false;

  constructor(source: string) {
    this.source = source;
    this.tokens = tokensOf(source);
  }

  run(): ParsedModule {
    while (this.at < this.tokens.length) this.statementOrToken();
    const mutable = [...this.exports].filter(([, local]) => this.variables.has(local)).map(([name]) => name);
    return {
      body: this.body(),
      isModule: this.isModule,
      imports: this.imports,
      exports: this.exports,
      reexports: this.reexports,
      stars: this.stars,
      mutable: new Set(mutable),
      mayAwait: this.mayAwait,
    };
  }

  private body(): string {
    let text = "";
    let from = 0;
    if (this.source.startsWith("#!")) {
      text = "//";
      from = 2;
    }
    for (const { start, end, text: instead } of this.cuts) {
      const lines = this.source.slice(start, end).split("\n").length - 1;
      text += `${this.source.slice(from, start)}${instead}${"\n".repeat(lines)}`;
      from = end;
    }
    return text + this.source.slice(from);
  }

  private statementOrToken(): void {
    const token = this.tokens[this.at]!;
    if (token.type !== "name" || this.isProperty()) return void this.at++;
    if (token.text === "await") this.mayAwait = true;
    const isTop = token.depth === 0;
    if (token.text === "import") return this.importing(token, isTop);
    if (token.text === "export" && isTop) return this.exporting(token);
    this.at++;
    if (isTop && (token.text === "let" || token.text === "var") && !this.is("of", "in", "=", ";")) {
      const from = this.at;
      for (const name of this.declared()) this.variables.add(name);
      // What is declared may hold `import()`.
      this.at = from;
    }
  }

  private importing(token: Token, isTop: boolean): void {
    const next = this.tokens[this.at + 1];
    if (next?.text === "(" && next.type === "punctuator") {
      this.cut(token.start, token.end, NAMES.import);
      return void this.at++;
    }
    if (next?.text === "." && next.type === "punctuator") {
      const meta = this.tokens[this.at + 2];
      if (meta?.text !== "meta") throw this.unexpected(meta);
      this.isModule = true;
      this.cut(token.start, meta.end, NAMES.meta);
      this.at += 3;
      return;
    }
    // A name of a property: `{ import: 1 }`, `{ import() {} }`.
    if (!isTop || next?.text === ":" || next?.text === "=") return void this.at++;
    this.at++;
    this.isModule = true;
    const names: ImportedName[] = [];
    if (this.current.type !== "string") {
      if (this.current.type === "name") {
        names.push({ name: "default", local: this.take().text });
        if (this.is(",")) this.at++;
      }
      if (this.is("*")) {
        this.at++;
        this.expect("as");
        names.push({ name: "*", local: this.take().text });
      } else if (this.is("{")) {
        names.push(...this.list().map(({ name, as }) => ({ name, local: as })));
      }
      this.expect("from");
    }
    const specifier = this.specifier();
    this.imports.push({ specifier, names });
    this.cut(token.start, this.endOfStatement(), ";");
  }

  private exporting(token: Token): void {
    if (this.tokens[this.at + 1]?.text === ":") return void this.at++;
    this.isModule = true;
    this.at++;
    const { text, type } = this.current;
    if (type === "punctuator" && text === "*") return this.exportingAll(token);
    if (type === "punctuator" && text === "{") return this.exportingList(token);
    if (text === "default") return this.exportingDefault(token);
    this.cut(token.start, this.current.start, "");
    if (text === "const" || text === "let" || text === "var") {
      this.at++;
      const from = this.at;
      for (const name of this.declared()) {
        this.exports.set(name, name);
        if (text !== "const") this.variables.add(name);
      }
      this.at = from;
      return;
    }
    if (text === "async") this.at++;
    const isFunction = this.is("function");
    if (!isFunction && !this.is("class")) throw this.unexpected(this.current);
    this.at++;
    if (isFunction && this.is("*")) this.at++;
    const name = this.take().text;
    this.exports.set(name, name);
  }

  private exportingAll(token: Token): void {
    this.at++;
    let exported: string | undefined;
    if (this.is("as")) {
      this.at++;
      exported = this.take().text;
    }
    this.expect("from");
    const specifier = this.specifier();
    this.imports.push({ specifier, names: [] });
    if (exported === undefined) this.stars.push(specifier);
    else this.reexports.push({ exported, specifier, name: "*" });
    this.cut(token.start, this.endOfStatement(), ";");
  }

  private exportingList(token: Token): void {
    const names = this.list();
    if (this.is("from")) {
      this.at++;
      const specifier = this.specifier();
      this.imports.push({ specifier, names: [] });
      for (const { name, as } of names) this.reexports.push({ exported: as, specifier, name });
    } else for (const { name, as } of names) this.exports.set(as, name);
    this.cut(token.start, this.endOfStatement(), ";");
  }

  private exportingDefault(token: Token): void {
    this.at++;
    const first = this.current;
    const isAsync = first.text === "async" && this.tokens[this.at + 1]?.text === "function";
    const keyword = isAsync ? this.tokens[this.at + 1]! : first;
    if (keyword.type !== "name" || (keyword.text !== "function" && keyword.text !== "class")) {
      this.exports.set("default", NAMES.default);
      this.cut(token.start, first.start, `const ${NAMES.default} = `);
      return;
    }
    this.cut(token.start, first.start, "");
    this.at += isAsync ? 2 : 1;
    let before = keyword;
    if (this.is("*")) before = this.take();
    const { type, text } = this.current;
    const isNamed = type === "name" && text !== "extends";
    this.exports.set("default", isNamed ? text : NAMES.default);
    if (!isNamed) this.cut(before.end, before.end, ` ${NAMES.default}`);
  }

  /** The names that the declarators from here on declare. */
  private declared(): readonly string[] {
    const names: string[] = [];
    const { depth } = this.current;
    for (;;) {
      this.binding(names);
      if (this.at < this.tokens.length && this.is("=")) {
        this.at++;
        this.skipExpression(depth);
      }
      if (this.at >= this.tokens.length || !this.is(",")) return names;
      this.at++;
    }
  }

  private binding(names: string[]): void {
    const token = this.take();
    if (token.type === "name") return void names.push(token.text);
    if (token.text !== "{" && token.text !== "[") throw this.unexpected(token);
    const inside = token.depth + 1;
    const isObject = token.text === "{";
    // A bracket has the depth of what it stands in.
    while (this.current.depth === inside) {
      if (this.is(",") || this.is("...")) {
        this.at++;
        continue;
      }
      if (isObject) {
        const isComputed = this.is("[");
        const key = this.take();
        if (isComputed) while (!(this.take().text === "]" && this.tokens[this.at - 1]!.depth === inside));
        if (this.is(":")) {
          this.at++;
          this.binding(names);
        } else names.push(key.text);
      } else this.binding(names);
      if (this.is("=")) {
        this.at++;
        this.skipExpression(inside);
      }
    }
    this.at++;
  }

  /** To the `,`, `;` or bracket that ends it, or where a new line begins another statement. */
  private skipExpression(depth: number): void {
    let before: Token | undefined;
    for (; this.at < this.tokens.length; this.at++) {
      const token = this.current;
      if (token.depth < depth) return;
      if (token.depth === depth) {
        const isPunctuator = token.type === "punctuator";
        if (isPunctuator && (token.text === "," || token.text === ";")) return;
        const canEnd = before !== undefined && (before.type === "string" || !UNFINISHED.test(before.text));
        if (token.startsLine && canEnd && !(token.type !== "string" && CONTINUES.test(token.text))) return;
      }
      before = token;
    }
  }

  /** `{ a, b as c, "d e" as f }` */
  private list(): readonly { readonly name: string; readonly as: string }[] {
    this.expect("{");
    const found: { readonly name: string; readonly as: string }[] = [];
    while (!this.is("}")) {
      const name = this.take().text;
      let as = name;
      if (this.is("as") && !this.follows(",", "}")) {
        this.at++;
        as = this.take().text;
      }
      found.push({ name, as });
      if (this.is(",")) this.at++;
    }
    this.at++;
    return found;
  }

  private specifier(): string {
    const token = this.take();
    if (token.type !== "string") throw this.unexpected(token);
    return token.text.includes("\\") ? (JSON.parse(`"${token.text}"`) as string) : token.text;
  }

  /** After the attributes of an import, and its semicolon. */
  private endOfStatement(): number {
    const token = this.tokens[this.at];
    if (token !== undefined && (token.text === "with" || token.text === "assert") && this.follows("{")) {
      this.at++;
      while (!this.is("}")) this.at++;
      this.at++;
    }
    if (this.tokens[this.at]?.text === ";") this.at++;
    return this.tokens[this.at - 1]!.end;
  }

  private isProperty(): boolean {
    const before = this.tokens[this.at - 1];
    return before?.type === "punctuator" && (before.text === "." || before.text === "?.");
  }

  private get current(): Token {
    const token = this.tokens[this.at];
    if (token === undefined) throw this.unexpected(undefined);
    return token;
  }

  private take(): Token {
    const token = this.current;
    this.at++;
    return token;
  }

  private is(...texts: readonly string[]): boolean {
    const token = this.tokens[this.at];
    return token !== undefined && token.type !== "string" && texts.includes(token.text);
  }

  private follows(...texts: readonly string[]): boolean {
    const token = this.tokens[this.at + 1];
    return token !== undefined && token.type !== "string" && texts.includes(token.text);
  }

  private expect(text: string): void {
    if (!this.is(text)) throw this.unexpected(this.tokens[this.at]);
    this.at++;
  }

  private cut(start: number, end: number, text: string): void {
    this.cuts.push({ start, end, text });
  }

  private unexpected(token: Token | undefined): SyntaxError {
    const line = this.source.slice(0, token?.start ?? this.source.length).split("\n").length;
    return new SyntaxError(`line ${line}: unexpected ${token === undefined ? "end" : JSON.stringify(token.text)}`);
  }
}
