/** The one path that a program gives as it stands in its pod's spec: where it leaves the message of its end. */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

type Table = Record<string, ((this: unknown, path: unknown, ...rest: unknown[]) => unknown) | undefined>;

const METHODS = ["open", "writeFile", "appendFile"] as const;

/** `path` is the container's, `real` the file that stands for it. */
export function installTerminationLog(path: string, real: string): void {
  const patch = (table: Table, names: readonly string[]): void => {
    for (const name of names) {
      const original = table[name];
      if (original === undefined) continue;
      table[name] = function (asked, ...rest) {
        return original.call(this, asked === path ? real : asked, ...rest);
      };
    }
  };
  patch(fs as unknown as Table, [...METHODS, ...METHODS.map((name) => `${name}Sync`), "createWriteStream"]);
  patch(fs.promises as unknown as Table, METHODS);
  syncBuiltinESMExports();
}
