import { describe, expect, it } from "vitest";
import type { ImageOptions } from "../../../../../actors/container-runtime/core/images.ts";
import {
  findImage,
  imageId,
  imageNameFault,
  normalizeImage,
  programOf,
} from "../../../../../actors/container-runtime/core/images.ts";

const real: ImageOptions = {
  pods: "real",
  images: {
    "shop/web:1": { module: "/app/web.js", args: ["--default"], env: { A: "1" } },
    "tool:*": { command: ["node", "tool.js"], args: ["run"], workingDir: "/app" },
    "nginx:mine": { module: "/app/nginx.js" },
  },
};

it.each([
  ["nginx", "docker.io/library/nginx", "latest"],
  ["nginx:1.27", "docker.io/library/nginx", "1.27"],
  ["docker.io/library/nginx:1.27", "docker.io/library/nginx", "1.27"],
  ["shop/web", "docker.io/shop/web", "latest"],
  ["registry.k8s.io/pause:3.10", "registry.k8s.io/pause", "3.10"],
  ["localhost:5000/a/b:c", "localhost:5000/a/b", "c"],
  ["nginx@sha256:abc", "docker.io/library/nginx", "latest"],
])("%s is %s with the tag %s", (image, repository, tag) => {
  expect(normalizeImage(image)).toEqual({ repository, tag });
});

it("one name has one id, however it is written", () => {
  expect(imageId("nginx")).toBe(imageId("docker.io/library/nginx:latest"));
  expect(imageId("nginx")).not.toBe(imageId("nginx:1"));
  expect(imageId("nginx")).toMatch(/^sha256:[0-9a-f]{64}$/);
});

describe("an image", () => {
  it.each([
    ["shop/web:1", [], [], { driver: "thread", module: { url: "/app/web.js" }, args: ["--default"], env: { A: "1" } }],
    [
      "docker.io/shop/web:1",
      [],
      ["x"],
      { driver: "thread", module: { url: "/app/web.js" }, args: ["x"], env: { A: "1" } },
    ],
    ["tool:7", [], [], { driver: "process", argv: ["node", "tool.js", "run"], env: {}, workingDir: "/app" }],
    ["tool:7", [], ["x"], { driver: "process", argv: ["node", "tool.js", "x"], env: {}, workingDir: "/app" }],
    ["tool:7", ["ls"], ["x"], { driver: "process", argv: ["ls", "x"], env: {}, workingDir: "/app" }],
    ["nginx:1.27", [], [], { driver: "thread", module: { builtIn: "web-server" }, args: [], env: {} }],
    [
      "nginx:1.27",
      ["nginx", "-g", "daemon off;"],
      [],
      { driver: "thread", module: { builtIn: "web-server" }, args: ["-g", "daemon off;"], env: {} },
    ],
    ["nginx:mine", [], [], { driver: "thread", module: { url: "/app/nginx.js" }, args: [], env: {} }],
    ["nginx", ["/bin/sh", "-c", "echo"], [], { driver: "process", argv: ["/bin/sh", "-c", "echo"], env: {} }],
    ["node:22", ["node", "a.js"], ["x"], { driver: "process", argv: ["node", "a.js", "x"], env: {} }],
    ["node:22-alpine", [], ["a.js"], { driver: "process", argv: ["node", "a.js"], env: {} }],
    ["node", [], ["-e", "1"], { driver: "process", argv: ["node", "-e", "1"], env: {} }],
    ["node", [], ["npm", "start"], { driver: "process", argv: ["npm", "start"], env: {} }],
    ["busybox:1.36", ["sh", "-c"], ["echo"], { driver: "process", argv: ["sh", "-c", "echo"], env: {} }],
    ["busybox", [], [], { driver: "process", argv: ["sh"], env: {} }],
    ["registry.k8s.io/pause:3.10", [], [], { driver: "simulated" }],
    [
      "registry.k8s.io/e2e-test-images/agnhost:2.53",
      [],
      ["netexec", "--http-port=80"],
      { driver: "thread", module: { builtIn: "agnhost" }, args: ["netexec", "--http-port=80"], env: {} },
    ],
    ["registry.k8s.io/e2e-test-images/agnhost:2.53", ["/agnhost"], ["pause"], { driver: "simulated" }],
  ] as const)("%s with the command %j and the arguments %j", (image, command, args, program) => {
    expect(programOf(image, command, args, real)).toEqual(program);
  });

  it("that nobody registered is refused with how to register it", () => {
    expect(findImage("shop/web:2", real)).toBeUndefined();
    expect(() => programOf("shop/web:2", [], [], real)).toThrow(
      /images: \{ "shop\/web:2": \{ module: "\.\/app\.js" \} \}/,
    );
  });

  it("of any name is a simulation where all pods are", () => {
    expect(programOf("shop/web:2", [], [], { pods: "simulated", images: {} })).toEqual({ driver: "simulated" });
  });
});

it.each(["nginx", "nginx:1.27", "localhost:5000/a/b_c/d--e:T.1-x", `web@sha256:${"0a".repeat(32)}`, "[::1]:5000/a"])(
  "%s is the name of an image",
  (image) => expect(imageNameFault(image)).toBeUndefined(),
);

// The words of distribution/reference, as kubelets show them.
it.each([
  ["nginx::1", "invalid reference format"],
  ["", "invalid reference format"],
  ["a b", "invalid reference format"],
  ["nginx:", "invalid reference format"],
  ["-web", "invalid reference format"],
  ["Nginx", "invalid reference format: repository name (library/Nginx) must be lowercase"],
  ["shop/Web:1", "invalid reference format: repository name (shop/Web) must be lowercase"],
])("%s is none", (image, why) => expect(imageNameFault(image)).toBe(`couldn't parse image name "${image}": ${why}`));
