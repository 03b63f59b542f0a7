/** The file of `--token-auth-file`. */
import type { StandIn } from "../stand-in.ts";

/** `token,user,uid,"group1,group2"` a line. Source: apiserver `authentication/token/tokenfile`. */
export function tokensOf(text: string): NonNullable<StandIn["tokens"]> {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, token = "", user = "", uid = "", groups = ""] =
        /^\s*("[^"]*"|[^,]*),("[^"]*"|[^,]*)(?:,("[^"]*"|[^,]*))?(?:,("[^"]*"|.*))?$/.exec(line) ?? [];
      const bare = (value: string): string => value.replace(/^"|"$/g, "").trim();
      const names = bare(groups).split(",");
      return {
        token: bare(token),
        user: bare(user),
        ...(bare(uid) === "" ? {} : { uid: bare(uid) }),
        groups: names.map((name) => name.trim()).filter((name) => name !== ""),
      };
    });
}
