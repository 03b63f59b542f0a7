/** Command lines and files of the programs that envtest starts. */
import { describe, expect, it } from "vitest";
import { ETCD, KUBE_APISERVER } from "../../../../../actors/cluster/envtest/command-lines.ts";
import type { FlagValues } from "../../../../../actors/cluster/envtest/flags.ts";
import { helpText, parseFlags } from "../../../../../actors/cluster/envtest/flags.ts";
import { tokensOf } from "../../../../../actors/cluster/envtest/token-file.ts";

const read = (...words: readonly string[]): FlagValues => parseFlags(KUBE_APISERVER, words);

describe("a flag", () => {
  it.each([[["--cert-dir=a"]], [["--cert-dir", "a"]], [["-cert-dir=a"]], [["--cert-dir=b", "--cert-dir=a"]]])(
    "has the value that was given last: %j",
    (words) => {
      expect(read(...words).value("cert-dir")).toBe("a");
    },
  );

  it("is a list of all that was given", () => {
    expect(read("--etcd-servers=a,b", "--etcd-servers", "c,").list("etcd-servers")).toEqual(["a", "b", "c"]);
    expect(read().list("etcd-servers")).toEqual([]);
  });

  it("is a switch that needs no value, and takes Go's words for one", () => {
    const isOn = (word: string): boolean => parseFlags(ETCD, [word]).isOn("unsafe-no-fsync");
    expect(["", "=true", "=T", "=1", "=false", "=0"].map((value) => isOn(`--unsafe-no-fsync${value}`))).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(() => isOn("--unsafe-no-fsync=yes")).toThrow('invalid argument "yes" for "--unsafe-no-fsync" flag');
  });

  it("is a port up to 65535", () => {
    const port = (value: string): number | undefined => read(`--secure-port=${value}`).port("secure-port");
    expect([port("0"), port("65535"), read().port("secure-port")]).toEqual([0, 65_535, undefined]);
    for (const wrong of ["65536", "-1", "1.5", "http", ""]) expect(() => port(wrong)).toThrow("it is no port");
  });

  it("that is not known is told, with what may be its value, and harms nobody", () => {
    const flags = read("--brand-new", "value", "--other", "--cert-dir=a", "--feature-gates=X=true");
    expect(flags.value("cert-dir")).toBe("a");
    expect(flags.unhonoured).toEqual([
      "--brand-new is not honoured: inkube does not know it",
      "--other is not honoured: inkube does not know it",
      "--feature-gates is not honoured: what inkube has is on, and nothing else is there",
    ]);
  });

  it("without its value, and a word that belongs to none, are refused", () => {
    expect(() => read("--cert-dir")).toThrow("flag needs an argument: --cert-dir");
    expect(() => read("word")).toThrow('there is no argument "word"');
  });

  it("has a line in the help, which says what is not honoured", () => {
    const lines = helpText(KUBE_APISERVER).split("\n");
    expect(lines.filter((line) => /^ +--/.test(line))).toHaveLength(Object.keys(KUBE_APISERVER.flags).length);
    expect(lines.find((line) => line.includes("--event-ttl"))).toMatch(/\(not honoured\)$/);
  });
});

describe("a file of tokens", () => {
  it("has a token, a user, a uid and groups a line, as Kubernetes reads it", () => {
    const text = 'secret,admin,1,"system:masters,devs"\n\n# nobody\n"other", bob\r\nthird,eve,,devs\nfourth,joe,7\n';
    expect(tokensOf(text)).toEqual([
      { token: "secret", user: "admin", uid: "1", groups: ["system:masters", "devs"] },
      { token: "other", user: "bob", groups: [] },
      { token: "third", user: "eve", groups: ["devs"] },
      { token: "fourth", user: "joe", uid: "7", groups: [] },
    ]);
  });
});
