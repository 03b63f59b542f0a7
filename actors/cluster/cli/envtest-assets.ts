/** `inkube envtest-assets`: what `KUBEBUILDER_ASSETS` is set to, so that suites written for envtest run on inkube. */
import { homedir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { writeAssets } from "../envtest/assets.ts";

export function envtestAssetsCommand(): Command {
  return new Command("envtest-assets")
    .description("print a folder with kube-apiserver, etcd and kubectl for KUBEBUILDER_ASSETS")
    .action(() => {
      const { XDG_CACHE_HOME, PATH } = process.env;
      const cache = XDG_CACHE_HOME === undefined || XDG_CACHE_HOME === "" ? join(homedir(), ".cache") : XDG_CACHE_HOME;
      process.stdout.write(`${writeAssets(join(cache, "inkube"), PATH)}\n`);
    });
}
