/** The plans of a search as JUnit's XML, which CI systems read: a test case for each plan, a failure for what did not hold. */
import type { Failure } from "../chaos/run.ts";
import type { PlannedRun } from "../chaos/search.ts";
import { escaped } from "./escaped.ts";

/** Of a plan that was run. */
export interface Case {
  readonly planned: Pick<PlannedRun, "pattern" | "about">;
  readonly failures: readonly Failure[];
}

/** `name`: of the suite; `missed`: goals that no run met, each a case of its own. */
export function junitOf(name: string, tried: readonly Case[], missed: readonly string[], seconds: number): string {
  const red = tried.filter(({ failures }) => failures.length > 0).length + missed.length;
  const cases = [
    ...tried.map(({ planned: { pattern, about }, failures }) => caseOf(pattern, about, failures)),
    ...missed.map((goal) => caseOf("goal", goal, [{ oracle: goal, cause: "missed", text: "no run met it" }])),
  ];
  const counts = `tests="${cases.length}" failures="${red}" errors="0" skipped="0" time="${seconds.toFixed(1)}"`;
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites>`,
    `  <testsuite name="${escaped(name)}" ${counts}>`,
    ...cases,
    `  </testsuite>`,
    `</testsuites>`,
    "",
  ].join("\n");
}

function caseOf(pattern: string, about: string, failures: readonly Failure[]): string {
  const opened = `    <testcase classname="${escaped(pattern)}" name="${escaped(about)}"`;
  if (failures.length === 0) return `${opened}/>`;
  const told = failures.map(({ oracle, text }) => {
    return `      <failure message="${escaped(oracle)}">${escaped(text)}</failure>`;
  });
  return [`${opened}>`, ...told, `    </testcase>`].join("\n");
}
