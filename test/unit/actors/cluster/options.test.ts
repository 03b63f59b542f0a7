import { expect, it } from "vitest";
import type { ClusterOptions } from "../../../../actors/cluster/options.ts";
import { resolveOptions } from "../../../../actors/cluster/options.ts";

it.each([
  [{ workers: 1.5 }, "workers: must be a whole number from 0 to 500"],
  [{ masters: 2 }, "masters: 2 masters survive no more than 1"],
  [{ wrokers: 1 }, "wrokers: there is no such option"],
  [{ name: "No Label" }, "name:"],
  [{ controllers: "no" }, 'controllers: must be true or false, not "no"'],
  [{ tolerationSeconds: -1 }, "tolerationSeconds: must be a whole number from 0"],
  [{ capacity: { cpu: "many" } }, "capacity.cpu: must be a quantity"],
  [{ capacity: { cpu: () => "1" } }, "capacity.cpu: must be a quantity"],
  [{ capacity: { gpus: "1" } }, "capacity.gpus: there are cpu, memory and pods"],
  [{ heapLimitsMb: { kubelets: 256 } }, 'heapLimitsMb["kubelets"]: there are etcd, api-server'],
  [{ heapLimitsMb: { etcd: 8 } }, 'heapLimitsMb["etcd"]: must be a whole number from 64 to 65536'],
  [{ otlp: "tempo:4318" }, 'otlp: must be the address of a collector, as http://127.0.0.1:4318, not "tempo:4318"'],
  [{ otlp: { url: "http://a", headers: { key: 1 } } }, "otlp.headers: must hold strings"],
  [{ heapLimitsMb: 256 }, "heapLimitsMb: must be a table by kind of actor"],
  [null, "options: must be an object"],
  [5, "options: must be an object"],
  [{ dataDir: "" }, "dataDir: must be a path"],
  [{ dataDir: 5 }, "dataDir: must be a path, not 5"],
  [{ images: 5 }, "images: must be a table by name, not 5"],
  [{ images: { a: null } }, 'images["a"]: must be'],
  [{ images: { a: {} } }, 'images["a"]: must be { module:'],
  [{ images: { a: { command: [] } } }, 'images["a"]: must be'],
  [{ images: { a: { command: ["x", 1] } } }, 'images["a"]: must be'],
  [{ images: { a: { module: "./a.js", environment: {} } } }, 'images["a"].environment: there are module, args, env'],
  [{ images: { a: { command: ["x"], env: { A: 1 } } } }, 'images["a"].env: must hold strings'],
  [{ images: { a: { module: "./a.js", args: "x" } } }, 'images["a"].args: must be a list of strings'],
])("refuses %j, naming the option and what it takes", (options, message) => {
  expect(() => resolveOptions(options as unknown as ClusterOptions)).toThrow(message);
  expect(() => resolveOptions(options as unknown as ClusterOptions)).toThrow(
    expect.objectContaining({ code: "INVALID_OPTION" }),
  );
});

it("has a highly available cluster with controllers as its default", () => {
  expect(resolveOptions({})).toMatchObject({ masters: 3, workers: 3, controllers: true, tolerationSeconds: 1 });
});
