import { describe, expect, it } from "vitest";
import type { Entry, MachineFiles, NamespacePlan } from "../../../../../actors/container-runtime/core/mount-plan.ts";
import { fstabLine, planNamespace } from "../../../../../actors/container-runtime/core/mount-plan.ts";

const STAGING = "/own/container/.mounts";

/** A machine of directories (`/a/`), links (`/a -> b`) and files (`/a`). */
function machine(...paths: readonly string[]): MachineFiles {
  const entries = new Map<string, Entry["kind"]>([["/", "directory"]]);
  const targets = new Map<string, string>();
  for (const path of [...paths, "/own/", "/own/container/", "/own/volumes/", "/own/volumes/a/", "/own/volumes/file"]) {
    const [name = "", target] = path.split(" -> ");
    if (target !== undefined) targets.set(name, target);
    entries.set(name.replace(/\/$/, ""), target !== undefined ? "link" : name.endsWith("/") ? "directory" : "other");
  }
  const find = (path: string): ReturnType<MachineFiles["find"]> => {
    let real = "";
    for (const name of path.split("/").filter((part) => part !== "")) {
      const at = `${real}/${name}`;
      const found = targets.has(at) ? find(targets.get(at) ?? "")?.path : entries.has(at) ? at : undefined;
      if (found === undefined) return undefined;
      real = found;
    }
    return { path: real === "" ? "/" : real, isDirectory: entries.get(real === "" ? "/" : real) === "directory" };
  };
  return {
    find,
    list: (directory) => {
      if (directory === "/closed") throw new Error("EACCES: permission denied, scandir '/closed'");
      const prefix = directory === "/" ? "/" : `${directory}/`;
      return [...entries].flatMap(([path, kind]): readonly Entry[] => {
        const name = path.slice(prefix.length);
        if (!path.startsWith(prefix) || name === "" || name.includes("/")) return [];
        const target = targets.get(path);
        return [target === undefined ? { name, kind } : { name, kind, target }];
      });
    },
    mode: () => 0o755,
    flags: (path) => (path.startsWith("/own") ? ["nosuid", "nodev"] : []),
  };
}

function plan(
  files: MachineFiles,
  ...mounts: readonly (readonly [at: string, from: string, readonly?: "ro"])[]
): NamespacePlan {
  const wished = mounts.map(([containerPath, hostPath, ro]) => ({ containerPath, hostPath, readonly: ro === "ro" }));
  return planNamespace({ mounts: wished, staging: STAGING, needed: ["/own/container"] }, files);
}

function shown({ lines }: NamespacePlan): readonly string[] {
  return lines.map(({ source, target, options }) => `${source} ${target} ${options.join(",")}`);
}

describe("a mount path", () => {
  it("that the machine has is mounted on, its links followed, and keeps the flags of its volume when it is read-only", () => {
    const found = plan(machine("/srv/", "/data -> /srv"), ["/data/", "/own/volumes/a", "ro"]);
    expect(shown(found)).toEqual(["/own/volumes/a /srv rbind,ro,nosuid,nodev"]);
    expect([found.newRoot, found.copies, found.unmounted.size]).toEqual([undefined, [], 0]);
  });

  it("that the machine does not have lies in a copy of the innermost directory that it has", () => {
    const files = machine("/run/", "/run/lock/", "/run/pid", "/run/shm -> /dev/shm", "/var/", "/var/run -> /run");
    const found = plan(files, ["/var/run/secrets/token", "/own/volumes/a"]);
    expect(shown(found)).toEqual([
      `/run ${STAGING}/0/..machine rbind`,
      `/run/lock ${STAGING}/0/lock rbind`,
      `${STAGING}/0 /run rbind`,
      "/own/volumes/a /run/secrets/token rbind",
    ]);
    expect(found.copies).toEqual([
      { kind: "directory", path: "0", mode: 0o755 },
      { kind: "directory", path: "0/..machine" },
      { kind: "directory", path: "0/lock" },
      { kind: "link", path: "0/pid", target: "..machine/pid" },
      { kind: "link", path: "0/shm", target: "/dev/shm" },
      { kind: "directory", path: "0/secrets/token" },
    ]);
    expect(found.made).toEqual([]);
  });

  it("at the top makes a new root, in which all others are mounted", () => {
    const found = plan(machine("/etc/"), ["/data", "/own/volumes/a"], ["/etc", "/own/volumes/a"]);
    const root = `${STAGING}/0`;
    expect(found.newRoot).toBe(root);
    expect(shown(found)).toEqual([
      `${root} ${root} bind`,
      `/own ${root}/own rbind`,
      `/etc ${root}/etc rbind`,
      `/own/volumes/a ${root}/data rbind`,
      `/own/volumes/a ${root}/etc rbind`,
    ]);
  });

  it("that is of another type on the machine is replaced in the copy", () => {
    const found = plan(machine("/etc/", "/etc/app"), ["/etc/app", "/own/volumes/a"]);
    expect(found.copies).toContainEqual({ kind: "directory", path: "0/app" });
    expect(found.copies).not.toContainEqual({ kind: "link", path: "0/app", target: "..machine/app" });
  });

  it("in another volume is made there, a directory or a file", () => {
    const found = plan(
      machine("/srv/"),
      ["/srv/file", "/own/volumes/file"],
      ["/srv", "/own/volumes/a"],
      ["/srv/deep/b", "/own/volumes/a"],
    );
    expect(found.made).toEqual([
      { kind: "directory", path: "/own/volumes/a/deep/b" },
      { kind: "file", path: "/own/volumes/a/file" },
    ]);
    expect(shown(found)).toEqual([
      "/own/volumes/a /srv rbind",
      "/own/volumes/a /srv/deep/b rbind",
      "/own/volumes/file /srv/file rbind",
    ]);
  });

  it("in another volume is as read-only as it is said to be", () => {
    const found = plan(machine("/srv/"), ["/srv", "/own/volumes/a"], ["/srv/b", "/own/volumes/a", "ro"]);
    expect(shown(found).at(-1)).toBe("/own/volumes/a /srv/b rbind,ro,nosuid,nodev");
  });

  it.each([
    ["/srv/../data//./x", "/data/x"],
    ["/../data", "/data"],
    ["/srv/a/..", "/srv"],
  ])("%s is %s", (path, target) => {
    const found = plan(machine("/srv/", "/data/", "/data/x/"), [path, "/own/volumes/a"]);
    expect(shown(found)).toEqual([`/own/volumes/a ${target} rbind`]);
  });

  it("above what the container needs has that bound into the volume", () => {
    const found = plan(machine(), ["/own", "/own/volumes/a"]);
    const stage = `${STAGING}/volume-0`;
    expect(shown(found)).toEqual([
      `/own/volumes/a ${stage} rbind`,
      `/own/container ${stage}/container rbind`,
      `/own/volumes/a ${stage}/volumes/a rbind`,
      `${stage} /own rbind`,
    ]);
    expect(found.copies).toEqual([{ kind: "directory", path: "volume-0" }]);
    expect(found.made).toEqual([
      { kind: "directory", path: "/own/volumes/a/container" },
      { kind: "directory", path: "/own/volumes/a/volumes/a" },
    ]);
  });

  it("above what the container needs has that bound though the machine's own root is a volume, too", () => {
    const found = plan(machine("/host/"), ["/own", "/own/volumes/a"], ["/host", "/"]);
    expect(shown(found)).toContain(`/own/container ${STAGING}/volume-1/container rbind`);
    expect(shown(plan(machine(), ["/own", "/own"]))).toEqual(["/own /own rbind"]);
  });

  it.each<[path: string, from: string, why: string]>([
    ["/", "/own/volumes/a", "a volume can't be mounted on / itself"],
    ["/proc/1/x", "/own/volumes/a", "nothing can be mounted in /proc"],
    ["/srv", "/missing", "there is no /missing on this machine"],
    ["/own", "/own/volumes/file", "it would hide /own/container, which the container needs"],
    ["/closed/x", "/own/volumes/a", "EACCES: permission denied, scandir '/closed'"],
    ["/full/x", "/own/volumes/a", "/full has more than 1000 directories"],
  ])("%s of %s is left out, and why is said", (path, from, why) => {
    const many = Array.from({ length: 1_001 }, (_none, index) => `/full/${index}/`);
    const found = plan(machine("/srv/", "/proc/", "/proc/1/", "/closed/", "/full/", ...many), [path, from]);
    expect([...found.unmounted]).toEqual([[path, why]]);
    expect(found.lines).toEqual([]);
  });
});

it("a line of the fstab has spaces, tabs, backslashes and number signs as octal", () => {
  expect(fstabLine({ source: "/a b\t\\", target: "/#\n", options: ["rbind", "ro"] })).toBe(
    "/a\\040b\\011\\134 /\\043\\012 none rbind,ro 0 0\n",
  );
});
