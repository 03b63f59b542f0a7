/** Prints the API server's Table answers as kubectl does: columns three blanks apart, wide ones on demand. */

/** @see meta.k8s.io/v1 Table */
export interface Table {
  readonly kind: "Table";
  readonly metadata?: { readonly resourceVersion?: string };
  /** In a watch, only the first event has them. */
  readonly columnDefinitions?: readonly { readonly name: string; readonly priority?: number }[] | null;
  readonly rows?: readonly TableRow[] | null;
}

interface TableRow {
  readonly cells: readonly unknown[];
  readonly object?: { readonly metadata?: { readonly name?: string; readonly namespace?: string } };
}

export interface TableStyle {
  readonly wide: boolean;
  /** With a first column that tells the namespace. */
  readonly namespaces: boolean;
  /** Put before each name, as `pod/`; empty when there is one kind only. */
  readonly prefix: string;
}

const GAP = "   ";

/** Keeps the columns of the first table for those that follow, so that the lines of a watch stay below each other. */
export class TablePrinter {
  private readonly style: TableStyle;
  private columns: readonly number[] = [];
  private widths: readonly number[] | undefined;

  constructor(style: TableStyle) {
    this.style = style;
  }

  /** The lines of a table; its heading only the first time. */
  lines(table: Table): readonly string[] {
    const definitions = table.columnDefinitions ?? [];
    const first = this.widths === undefined;
    const heading: string[] = [];
    if (first) {
      this.columns = definitions.flatMap(({ priority }, index) =>
        (priority ?? 0) === 0 || this.style.wide ? [index] : [],
      );
      for (const index of this.columns) heading.push((definitions[index]?.name ?? "").toUpperCase());
      if (this.style.namespaces) heading.unshift("NAMESPACE");
    }
    const rows = (table.rows ?? []).map((row) => this.cellsOf(row));
    const all = first ? [heading, ...rows] : rows;
    this.widths ??= heading.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
    return all.map((row) => this.line(row));
  }

  private cellsOf(row: TableRow): readonly string[] {
    const cells = this.columns.map((index, position) => {
      const text = cellText(row.cells[index]);
      return position === 0 ? `${this.style.prefix}${text}` : text;
    });
    return this.style.namespaces ? [row.object?.metadata?.namespace ?? "", ...cells] : cells;
  }

  private line(row: readonly string[]): string {
    const last = row.length - 1;
    return row.map((cell, index) => (index === last ? cell : cell.padEnd(this.widths?.[index] ?? 0))).join(GAP);
  }
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return "<none>";
  return typeof value === "string" ? value : JSON.stringify(value);
}
