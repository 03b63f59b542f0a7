/** Directories of volumes on this machine. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { InkubeError } from "../../../protocols/errors.ts";
import type { VolumeDirectories } from "../controller-manager-io.ts";

/** @param root where kubelets have made them */
export function volumeDirectories(root: string): VolumeDirectories {
  return {
    async remove(name) {
      try {
        await rm(join(root, name), { recursive: true, force: true });
      } catch (error) {
        throw new InkubeError("VOLUME_IO", (error as Error).message, { retryable: true, cause: error });
      }
    },
  };
}
