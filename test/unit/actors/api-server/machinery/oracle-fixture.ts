/** What kube-apiserver 1.37.1 answered to requests of ours, recorded once; see the tests for what each case is compared with. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ResourceInfo } from "../../../../../protocols/kubernetes/resources.ts";
import { RESOURCES } from "../../../../../protocols/kubernetes/resources.ts";

/** The caller says what the file holds. */
export function readFixture(name: string): unknown {
  return JSON.parse(
    readFileSync(fileURLToPath(new URL(`./fixtures/${name}.json`, import.meta.url)), "utf8"),
  ) as unknown;
}

export function resourceOf(apiVersion: string, resource: string): ResourceInfo {
  const row = RESOURCES.find((candidate) => candidate.apiVersion === apiVersion && candidate.resource === resource);
  if (row === undefined) throw new Error(`no resource ${apiVersion} ${resource}`);
  return row;
}
