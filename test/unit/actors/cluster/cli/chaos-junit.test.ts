/** What a search tried, as CI systems read it. */
import { expect, it } from "vitest";
import { junitOf } from "../../../../../actors/cluster/cli/chaos-junit.ts";

it("a plan is a case, what did not hold is its failure, and a goal that no run met is one as well", () => {
  const plan = { faults: [] };
  const tried = [
    { planned: { pattern: "conflict", about: "conflict: update a", plan }, failures: [] },
    {
      planned: { pattern: "random", about: 'random "plan" 1', plan },
      failures: [{ oracle: "sameEnd", cause: "", text: "a < b & c\u0000\n> d" }],
    },
  ] as const;
  expect(junitOf("sites.js", tried, ["a crash"], 1.25)).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="sites.js" tests="3" failures="2" errors="0" skipped="0" time="1.3">
    <testcase classname="conflict" name="conflict: update a"/>
    <testcase classname="random" name="random &quot;plan&quot; 1">
      <failure message="sameEnd">a &lt; b &amp; c
&gt; d</failure>
    </testcase>
    <testcase classname="goal" name="a crash">
      <failure message="a crash">no run met it</failure>
    </testcase>
  </testsuite>
</testsuites>
`);
});
