/** `UPDATE=1` writes what comes of the commands into the files; then the difference is for a reader to judge. */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { rewrite } from "./raft-interpreter.ts";

const FOLDER = new URL("raft/", import.meta.url);

it.each(readdirSync(FOLDER).filter((name) => name.endsWith(".txt")))("Raft does what is written in %s", (name) => {
  const path = new URL(name, FOLDER);
  const written = readFileSync(path, "utf8");
  const now = rewrite(written);
  if (process.env["UPDATE"] === "1") writeFileSync(path, now);
  else expect(now).toBe(written);
});
