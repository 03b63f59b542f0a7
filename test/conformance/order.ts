/** What has no order that counts is put into one before answers are compared. */

/** Managers stand in the order of their times, which are to the second; whose conflicts come first is chance in kube-apiserver. */
export function inOneOrder(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => inOneOrder(item));
    return key === "managedFields" || isOfManagers(items[0]) ? items.sort(byText) : items;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => byText(one, other));
  return Object.fromEntries(entries.map(([name, item]) => [name, inOneOrder(item, name)]));
}

function isOfManagers(cause: unknown): boolean {
  return (cause as { readonly reason?: unknown } | undefined)?.reason === "FieldManagerConflict";
}

function byText(a: unknown, b: unknown): number {
  const [one, other] = [JSON.stringify(a), JSON.stringify(b)];
  return one === other ? 0 : one < other ? -1 : 1;
}
