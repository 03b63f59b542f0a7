/** What a container has said of its end. @see getTerminationMessage of the kubelet */
import type { ContainerConfig, ContainerStatus } from "../../protocols/container-runtime.ts";
import { hasCode, InkubeError } from "../../protocols/errors.ts";
import type { Context } from "../../runtime/actor.ts";
import { renderLog } from "./core/log-format.ts";
import { readLogFiles } from "./log-writer.ts";

/** Of a termination message that its container wrote, and of one that is taken from its log. The kubelet's own. */
const WORDS_BYTES_MAX = 4_096;
const LOG_BYTES_MAX = 2_048;
const LOG_LINES_MAX = 80;

/** What is in the file for it, or else, where that is asked for and it failed, the end of its log, which must have been written. */
export async function lastWords(
  ctx: Context<unknown>,
  { id, logPath }: ContainerStatus,
  { terminationMessagePath = "", terminationMessagePolicy }: ContainerConfig,
  exitCode: number,
): Promise<string> {
  try {
    const path = `containers/${id}/${terminationMessagePath}`;
    const said = terminationMessagePath === "" ? "" : await readEnd(ctx, path, WORDS_BYTES_MAX);
    if (said !== "" || terminationMessagePolicy !== "FallbackToLogsOnError" || exitCode === 0) return said;
    const log = renderLog(await readLogFiles(ctx, logPath), { tailLines: LOG_LINES_MAX });
    return new TextDecoder().decode(log.subarray(-LOG_BYTES_MAX));
  } catch (error) {
    if (!(error instanceof InkubeError)) throw error;
    return `Error on reading termination log ${terminationMessagePath}: ${error.message}`;
  }
}

/** Up to `bytesMax` bytes at the end of a file, as text; empty when there is no such file. */
async function readEnd(ctx: Context<unknown>, path: string, bytesMax: number): Promise<string> {
  try {
    const file = await ctx.disk.open(path);
    const length = Math.min(file.sizeBytes, bytesMax);
    const bytes = await file.read(file.sizeBytes - length, length);
    await file.close();
    return new TextDecoder().decode(bytes);
  } catch (error) {
    if (hasCode(error, "DISK_NOT_FOUND")) return "";
    throw error;
  }
}
