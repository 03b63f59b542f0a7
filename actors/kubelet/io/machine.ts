/** The machine that a kubelet runs on. */
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import type { MachineFacts } from "../core/node-object.ts";
import type { KubeletIo } from "../kubelet-io.ts";
import { askHealth } from "./grpc-probe.ts";
import { serveLogs } from "./log-server.ts";
import { volumeDisk } from "./volume-disk.ts";

export function machineIo(): KubeletIo {
  return { health: askHealth, machine: machineFacts, volumes: volumeDisk, serveLogs };
}

/** Architectures by Go's names, which Kubernetes uses. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", arm64: "arm64", arm: "arm" };
const SYSTEMS: Readonly<Record<string, string>> = { win32: "windows" };

function machineFacts(): MachineFacts {
  const bootId = "/proc/sys/kernel/random/boot_id";
  return {
    operatingSystem: SYSTEMS[os.platform()] ?? os.platform(),
    architecture: ARCHITECTURES[os.arch()] ?? os.arch(),
    kernelVersion: os.release(),
    osImage: `${os.type()} (Node.js ${process.version})`,
    machineID: createHash("sha256").update(os.hostname()).digest("hex").slice(0, 32),
    bootID: existsSync(bootId) ? readFileSync(bootId, "utf8").trim() : randomUUID(),
    capacity: {
      cpu: String(os.availableParallelism()),
      memory: `${Math.floor(os.totalmem() / 1024)}Ki`,
      pods: "110",
      "ephemeral-storage": "100Gi",
    },
  };
}
