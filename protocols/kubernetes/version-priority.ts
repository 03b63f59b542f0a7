/** `v10`, `v2`, `v1`, `v2beta1`, `v1alpha3`, then whatever is named otherwise, by name: the order of the versions of a group. */
const PATTERN = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/;
const STAGES = ["alpha", "beta", undefined];

/** Less than 0 when `a` comes first. Source: apimachinery `version.CompareKubeAwareVersionStrings`. */
export function compareVersions(a: string, b: string): number {
  const left = PATTERN.exec(a);
  const right = PATTERN.exec(b);
  if (left === null || right === null) {
    if (left !== null) return -1;
    if (right !== null) return 1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  return (
    STAGES.indexOf(right[2]) - STAGES.indexOf(left[2]) ||
    Number(right[1]) - Number(left[1]) ||
    Number(right[3] ?? 0) - Number(left[3] ?? 0)
  );
}
