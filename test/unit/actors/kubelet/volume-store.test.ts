import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { VolumeFile, VolumePlan } from "../../../../actors/kubelet/core/volumes.ts";
import { mountsOf } from "../../../../actors/kubelet/core/volumes.ts";
import { volumeDisk } from "../../../../actors/kubelet/io/volume-disk.ts";
import { VolumeStore } from "../../../../actors/kubelet/volume-store.ts";
import type { Context } from "../../../../runtime/actor.ts";

let root: string;
let store: VolumeStore;
let ids = 0;
const begin = (): VolumeStore => {
  const ctx = { disk: { root }, ids: { unique: () => `id-${++ids}` } } as unknown as Context<unknown>;
  return new VolumeStore(ctx, volumeDisk(root));
};
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "inkube-volumes-"));
  store = begin();
});
afterEach(() => rmSync(root, { recursive: true }));

const text = (content: string, mode = 0o644): VolumeFile => ({ bytes: new TextEncoder().encode(content), mode });
const files = (content: Record<string, VolumeFile>, group?: number): VolumePlan => ({
  kind: "files",
  name: "v",
  group,
  files: new Map(Object.entries(content)),
});
const at = (path: string): string => join(root, "pods/u/volumes/v", path);
const read = (path: string): string => readFileSync(at(path), "utf8");
const modeOf = (path: string): number => statSync(path).mode & 0o7777;

describe("a volume of files", () => {
  it("is links through ..data, with the permissions that were asked for", async () => {
    await store.write("u", [files({ a: text("1", 0o400), "x/y": text("2", 0o664) })]);
    expect([read("a"), read("x/y")]).toEqual(["1", "2"]);
    expect([readlinkSync(at("a")), readlinkSync(at("x"))]).toEqual(["..data/a", "..data/x"]);
    expect([modeOf(at("a")), modeOf(at("x/y"))]).toEqual([0o400, 0o664]);
    expect(readdirSync(at("")).sort()).toEqual(["..data", readlinkSync(at("..data")), "a", "x"].sort());
  });

  it("changes all at once, and a reader of the old content keeps it whole", async () => {
    await store.write("u", [files({ a: text("1"), b: text("1"), gone: text("1") })]);
    const before = readlinkSync(at("..data"));
    let seen: readonly string[] = [];
    const disk = volumeDisk(root);
    const watched = new VolumeStore({ disk: { root }, ids: { unique: () => "next" } } as unknown as Context<unknown>, {
      ...disk,
      // The last moment before the change.
      rename: async (from, to) => {
        seen = [read("a"), read("b"), readlinkSync(at("..data"))];
        await disk.rename(from, to);
      },
    });
    await watched.write("u", [files({ a: text("2"), b: text("2"), new: text("2") })]);
    expect(seen).toEqual(["1", "1", before]);
    expect([read("a"), read("b"), read("new")]).toEqual(["2", "2", "2"]);
    expect(readdirSync(at("")).sort()).toEqual(["..data", "..next", "a", "b", "new"]);
  });

  it("that is unchanged is not written again", async () => {
    await store.write("u", [files({ a: text("1") })]);
    const before = readlinkSync(at("..data"));
    await store.write("u", [files({ a: text("1") })]);
    expect(readlinkSync(at("..data"))).toBe(before);
    await store.write("u", [files({ a: text("1", 0o600) })]);
    expect(readlinkSync(at("..data"))).not.toBe(before);
  });

  it("is taken up where a kubelet that died has left it", async () => {
    await store.write("u", [files({ a: text("1") })]);
    writeFileSync(at("..data_tmp"), "");
    await begin().write("u", [files({ b: text("2") })]);
    expect(read("b")).toBe("2");
    expect(readdirSync(at("")).sort()).toEqual(["..data", readlinkSync(at("..data")), "b"].sort());
  });
});

describe("a subPath", () => {
  const container = (subPath: string) => ({ name: "main", volumeMounts: [{ name: "v", mountPath: "/m", subPath }] });
  const start = async (subPath: string): Promise<string> => {
    const mounts = mountsOf(container(subPath), store.plansOf("u"), store.placesOf("u"), (path) => path);
    await store.prepare("u", "main", mounts);
    return mounts[0]?.hostPath ?? "";
  };

  it("of a volume of files stays as it was when its container started, until the next start", async () => {
    await store.write("u", [files({ a: text("1", 0o400) })]);
    const path = await start("a");
    await store.write("u", [files({ a: text("2", 0o400) })]);
    expect([readFileSync(path, "utf8"), modeOf(path)]).toEqual(["1", 0o400]);
    expect(await start("a")).toBe(path);
    expect(readFileSync(path, "utf8")).toBe("2");
  });

  it("that isn't there is an empty directory, in an emptyDir too", async () => {
    await store.write("u", [files({ a: text("1") })]);
    expect(readdirSync(await start("none"))).toEqual([]);
    await store.write("u", [{ kind: "empty", name: "v", group: undefined }]);
    const path = await start("some/where");
    writeFileSync(join(path, "kept"), "");
    expect(readdirSync(await start("some/where"))).toEqual(["kept"]);
  });
});

it("an emptyDir may be written by anybody, is made once, and hands its fsGroup on", async () => {
  await store.write("u", [{ kind: "empty", name: "v", group: undefined }]);
  expect(modeOf(at(""))).toBe(0o777);
  writeFileSync(at("kept"), "");
  await store.write("u", [{ kind: "empty", name: "v", group: undefined }]);
  expect(readdirSync(at(""))).toEqual(["kept"]);
  await begin().write("w", [{ kind: "empty", name: "v", group: process.getgid?.() ?? 0 }]);
  expect(modeOf(join(root, "pods/w/volumes/v"))).toBe(0o2777);
});

describe("a place of the machine", () => {
  const plan = (path: string, type: string): VolumePlan => ({ kind: "host", name: "v", group: undefined, path, type });
  it.each([
    ["Directory", "is not a directory"],
    ["File", "is not a file"],
    ["Socket", "is not a socket file"],
    ["CharDevice", "is not a character device"],
    ["BlockDevice", "is not a block device"],
  ])("of the type %s has to be one", async (type, words) => {
    const path = join(root, "none");
    await expect(store.write("u", [plan(path, type)])).rejects.toThrow(`hostPath type check failed: ${path} ${words}`);
  });

  it("is made where the type says so, and is left alone where it says nothing", async () => {
    await store.write("u", [plan(join(root, "d/e"), "DirectoryOrCreate"), plan(join(root, "f"), "FileOrCreate")]);
    expect([statSync(join(root, "d/e")).isDirectory(), statSync(join(root, "f")).isFile()]).toEqual([true, true]);
    await expect(store.write("u", [plan(join(root, "f"), "DirectoryOrCreate")])).rejects.toThrow("is not a directory");
    await store.write("u", [plan(join(root, "nothing"), ""), plan("/dev/null", "CharDevice")]);
    expect(readdirSync(root)).not.toContain("nothing");
  });
});

it("nothing is left of a pod that is gone", async () => {
  await store.write("u", [files({ a: text("1", 0o400) })]);
  expect(await store.list()).toEqual(["u"]);
  await store.remove("u");
  expect([await store.list(), store.size]).toEqual([[], 0]);
});

describe("a subPath of a directory of the machine", () => {
  const prepared = async (path: string): Promise<void> => {
    const host = join(root, "host");
    for (const name of ["host/in/deep", "outside"]) mkdirSync(join(root, name), { recursive: true });
    symlinkSync("in", join(host, "link"));
    symlinkSync("../outside", join(host, "away"));
    symlinkSync("/", join(host, "in", "root"));
    symlinkSync("../nowhere", join(host, "broken"));
    const mount = { volume: "v", containerPath: "/m", hostPath: `${host}/${path}`, readonly: false };
    await store.prepare("u", "main", [{ ...mount, needs: { directory: host, path } }]);
  };

  it.each(["in/new/one", "link/new"])("is made where it is missing: %s", async (path) => {
    await prepared(path);
    expect(statSync(join(root, "host", path)).isDirectory()).toBe(true);
  });

  it.each(["away", "away/new", "in/root/tmp", "in/../away"])("does not lead out of it: %s", async (path) => {
    await expect(prepared(path)).rejects.toMatchObject({
      code: "POD_CONFIG",
      message: 'failed to prepare subPath for volumeMount "v" of container "main"',
    });
    expect(readdirSync(join(root, "outside"))).toEqual([]);
  });

  it("is nothing behind a link that leads nowhere", async () => {
    await expect(prepared("broken/new")).rejects.toMatchObject({ code: "VOLUME_IO" });
    expect(readdirSync(root)).not.toContain("nowhere");
  });
});
