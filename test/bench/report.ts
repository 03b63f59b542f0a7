/** A bench's figures, each beside its peer's, measured in the same run or on the same kind of machine. */
export interface Figure {
  readonly suite: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is held against: measured in this run, or a recorded figure (then `peer` says so). */
  readonly peer?: { readonly name: string; readonly value: number };
  /** What the project aims at, in words. */
  readonly target?: string;
}

export type Report = (figure: Omit<Figure, "suite">) => void;

export interface Suite {
  readonly name: string;
  /** What it measures, and how, in a sentence. */
  readonly about: string;
  run(report: Report): Promise<void>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function formatFigure({ name, value, unit, peer, target }: Figure): string {
  const columns = [name.padEnd(58), `${formatNumber(value)} ${unit}`.padStart(20)];
  columns.push(
    peer === undefined ? "" : `${peer.name} ${formatNumber(peer.value)} (${(value / peer.value).toFixed(2)}x)`,
  );
  if (target !== undefined) columns.push(`target ${target}`);
  return columns.join("  ").trimEnd();
}

function formatNumber(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}
