/** Names that the API server makes are others in each real run: plans name what they have in common. */
import type { History } from "../history.ts";

/** The same history, with `web-*` in the place of a name that was made from `web-`. */
export function withoutGeneratedNames(history: History): History {
  const patterns = new Map<string, string>();
  for (const { object } of history.changes) {
    const { name = "", generateName } = object.metadata ?? {};
    if (generateName !== undefined && name.startsWith(generateName)) patterns.set(name, `${generateName}*`);
  }
  if (patterns.size === 0) return history;
  const common = <T extends { readonly name: string }>(seen: T): T => {
    const pattern = patterns.get(seen.name);
    return pattern === undefined ? seen : { ...seen, name: pattern };
  };
  return Object.assign(Object.create(history) as History, {
    requests: history.requests.map(common),
    deliveries: history.deliveries.map(common),
  });
}
