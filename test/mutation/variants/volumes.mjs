const MATCHING = "test/unit/protocols/kubernetes/volumes.test.ts";
const VOLUMES = "test/unit/actors/controller-manager/core/volumes.test.ts";
const CHARGE = "test/unit/actors/api-server/quota/charge.test.ts";
const SCHEDULER = "test/unit/actors/scheduler/core/volumes.test.ts";

/** Mistakes in what binds volumes, makes and deletes them, and in quotas. */
export const variants = [
  {
    name: "volume-too-large",
    file: "protocols/kubernetes/volumes.ts",
    find: 'return size === 0 ? (one.metadata?.name ?? "") < (other.metadata?.name ?? "") : size < 0;',
    replace: "return size > 0;",
    why: "the largest volume is given away where a smaller one would do",
    tests: [MATCHING],
  },
  {
    name: "volume-of-a-namesake",
    file: "protocols/kubernetes/volumes.ts",
    find: "return !reference.uid || reference.uid === metadata?.uid;",
    replace: "return true;",
    why: "a claim gets the data of one that had its name before",
    tests: [MATCHING],
  },
  {
    name: "volume-deleted-while-bound",
    file: "actors/controller-manager/core/volumes/provisioning.ts",
    find: 'return isOurs(volume) && isFree && spec?.persistentVolumeReclaimPolicy === "Delete";',
    replace: 'return isOurs(volume) && spec?.persistentVolumeReclaimPolicy === "Delete";',
    why: "the directory of a claim that is there is removed",
    tests: [VOLUMES],
  },
  {
    name: "volume-retained-in-vain",
    file: "actors/controller-manager/core/volumes/provisioning.ts",
    find: 'return isOurs(volume) && isFree && spec?.persistentVolumeReclaimPolicy === "Delete";',
    replace: "return isOurs(volume) && isFree;",
    why: "what was to be retained is removed",
    tests: [VOLUMES],
  },
  {
    name: "claim-bound-twice",
    file: "actors/controller-manager/core/volumes/claim.ts",
    find: 'if (claimRef === undefined || claimRef.uid === claim.metadata?.uid) return { do: "bind", volume };',
    replace: 'return { do: "bind", volume };',
    why: "a claim takes the volume that is another's",
    tests: [VOLUMES],
  },
  {
    name: "volume-assumed-by-nobody",
    file: "actors/scheduler/core/volumes/volume-objects.ts",
    find: "if (volume !== undefined && (owner === undefined || owner === key)) yield volume;",
    replace: "if (volume !== undefined) yield volume;",
    why: "one volume is given to two claims before the first is confirmed",
    tests: [SCHEDULER],
  },
  {
    name: "quota-exceeded",
    file: "actors/api-server/core/quota/charge.ts",
    find: 'compareQuantities(sum[name] ?? "0", hard[name] ?? "0") > 0,',
    replace: 'compareQuantities(used[name] ?? "0", hard[name] ?? "0") > 0,',
    why: "what is asked for is not counted",
    tests: [CHARGE],
  },
];
