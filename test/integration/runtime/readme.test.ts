/** The runtime as a program outside of the repository has it: the packed package, and the README's own examples. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

interface Example {
  readonly file: string;
  readonly run: boolean;
  readonly text: string;
}

const root = process.cwd();
const examples: readonly Example[] = [
  ...readFileSync(join(root, "runtime/README.md"), "utf8").matchAll(/^```js file=(\S+)( run)?\n([\s\S]*?)^```$/gm),
].map((match) => ({ file: match[1]!, run: match[2] !== undefined, text: match[3]! }));

let program: string;

beforeAll(() => {
  program = mkdtempSync(join(realpathSync(tmpdir()), "inkube-readme-"));
  const packed = spawnSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", program], {
    cwd: root,
    encoding: "utf8",
  });
  const [{ filename }] = JSON.parse(packed.stdout) as [{ readonly filename: string }];
  mkdirSync(join(program, "node_modules/inkube"), { recursive: true });
  const unpacked = spawnSync(
    "tar",
    ["xzf", join(program, filename), "--strip-components=1", "-C", "node_modules/inkube"],
    {
      cwd: program,
    },
  );
  expect(unpacked.status).toBe(0);
  // Its dependencies, as an installation would put them.
  symlinkSync(realpathSync(join(root, "node_modules")), join(program, "node_modules/inkube/node_modules"));
  for (const { file, text } of examples) writeFileSync(join(program, file), text);
});
afterAll(() => rmSync(program, { recursive: true, force: true }));

it.each(examples.filter(({ run }) => run).map(({ file }) => file))("the README's %s runs to its end", (file) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
    cwd: program,
    encoding: "utf8",
    timeout: 40_000,
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "done\n", stderr: "" });
});

it("has examples for threads, for the simulation and for faults", () => {
  expect(examples.filter(({ run }) => run)).toHaveLength(3);
});
