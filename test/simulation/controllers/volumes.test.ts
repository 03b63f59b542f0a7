/** Claims, volumes and quotas while actors die: no volume is two claims', what is claimed stays, no quota is exceeded. */
import { expect, it } from "vitest";
import type { Client } from "../../../actors/client/client.ts";
import {
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  resourceQuotas,
  storageClasses,
} from "../../../actors/client/resources.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { SeededRandom } from "../../../runtime/random.ts";
import { ControlPlane } from "./control-plane.ts";

const NAMESPACE = "default";
const KINDS = ["etcd", "api-server", "scheduler", "controller-manager", "controller-manager", "scheduler"];
const CLASSES = ["now", "late", "hand"] as const;
const PODS_MAX = 4;
/** Of more in half a minute the supervisor gives the cluster up. */
const KILLS_MAX = 9;

const classes = [
  { metadata: { name: "now" }, provisioner: "inkube.io/directory" },
  { metadata: { name: "late" }, provisioner: "inkube.io/directory", volumeBindingMode: "WaitForFirstConsumer" },
  {
    metadata: { name: "hand" },
    provisioner: "kubernetes.io/no-provisioner",
    volumeBindingMode: "WaitForFirstConsumer",
  },
] as const;

class Story {
  readonly plane: ControlPlane;
  private readonly random: SeededRandom;
  /** Volumes by the uid of the claim that had them. */
  private readonly owned = new Map<string, string>();
  private made = 0;
  private killed = 0;

  constructor(seed: number) {
    this.plane = new ControlPlane({ seed, masters: 3, workers: 2 });
    this.random = new SeededRandom(seed, "story");
  }

  async begin(): Promise<void> {
    await this.plane.start();
    for (const one of classes) await this.plane.do((client) => client.create(storageClasses, one));
    await this.plane.do((client) =>
      client.create(resourceQuotas, {
        metadata: { name: "q", namespace: NAMESPACE },
        spec: { hard: { pods: String(PODS_MAX), persistentvolumeclaims: "6" } },
      }),
    );
  }

  /** What a user or bad luck does. Answers false when the API was not there. */
  async act(): Promise<boolean> {
    const { plane, random } = this;
    const draw = random.next();
    if (draw < 0.35 && this.killed < KILLS_MAX) {
      this.killed++;
      plane.host.kill(`${KINDS[random.below(KINDS.length)]}-${random.below(3)}`);
      return true;
    }
    const name = `x${random.below(4)}`;
    try {
      if (draw < 0.5) await plane.do((client) => client.create(persistentVolumes, volume(`v${this.made++}`)));
      else if (draw < 0.65) await plane.do((client) => client.create(persistentVolumeClaims, this.claim(name)));
      else if (draw < 0.75) await plane.do((client) => client.delete(persistentVolumeClaims, name, NAMESPACE));
      else if (draw < 0.85) await this.burst(name);
      else
        await plane.do((client) =>
          client.delete(pods, `${name}-${random.below(3)}`, NAMESPACE, { gracePeriodSeconds: 0 }),
        );
      return true;
    } catch (error) {
      if (!(error instanceof InkubeError) || hasReason(error, "Invalid")) throw error;
      return hasReason(error, "AlreadyExists", "NotFound", "Forbidden");
    }
  }

  /** Several at a time, of which not all may fit. */
  private async burst(claim: string): Promise<void> {
    const wanted = [0, 1, 2].map((index) => user(`${claim}-${index}`, claim));
    await this.plane.do((client) => Promise.allSettled(wanted.map((pod) => client.create(pods, pod))));
  }

  private claim(name: string): PersistentVolumeClaim {
    const storageClassName = CLASSES[this.random.below(CLASSES.length)] ?? "now";
    return {
      metadata: { name, namespace: NAMESPACE },
      spec: { accessModes: ["ReadWriteOnce"], storageClassName, resources: { requests: { storage: "1Gi" } } },
    };
  }

  /** At every moment. */
  async check(client: Client): Promise<void> {
    const [volumes, claims, there] = await Promise.all([
      client.list(persistentVolumes),
      client.list(persistentVolumeClaims, { namespace: NAMESPACE }),
      client.list(pods, { namespace: NAMESPACE }),
    ]);
    const names = claims.items.flatMap(({ spec, status }) =>
      status?.phase === "Bound" ? [spec?.volumeName ?? ""] : [],
    );
    expect(new Set(names).size).toBe(names.length);
    for (const claim of claims.items) this.checkClaim(claim, volumes.items);
    expect(there.items.length).toBeLessThanOrEqual(PODS_MAX);
  }

  private checkClaim({ metadata, spec, status }: PersistentVolumeClaim, volumes: readonly PersistentVolume[]): void {
    expect(status?.phase).not.toBe("Lost");
    if (status?.phase !== "Bound") return;
    const { uid = "" } = metadata ?? {};
    const before = this.owned.get(uid);
    if (before !== undefined) expect(spec?.volumeName).toBe(before);
    this.owned.set(uid, spec?.volumeName ?? "");
    const volume = volumes.find((one) => one.metadata?.name === spec?.volumeName);
    expect(volume?.spec?.claimRef?.uid).toBe(uid);
  }

  async end(): Promise<void> {
    const { plane } = this;
    // Whoever has died last is up again.
    await plane.host.run(10_000);
    await plane.until(
      "everything settled",
      async () => {
        const [claims, volumes, quota, there] = await Promise.all([
          plane.client.list(persistentVolumeClaims, { namespace: NAMESPACE }),
          plane.client.list(persistentVolumes),
          plane.client.get(resourceQuotas, "q", NAMESPACE),
          plane.client.list(pods, { namespace: NAMESPACE }),
        ]);
        const bound = new Map(claims.items.map((claim) => [claim.metadata?.uid, claim.spec?.volumeName]));
        const isSettled = ({ metadata, spec, status }: PersistentVolume): boolean => {
          const isOurs = metadata?.name?.startsWith("pvc-") === true;
          const isClaimed = bound.get(spec?.claimRef?.uid) === metadata?.name;
          return isClaimed ? status?.phase === "Bound" : !isOurs && status?.phase !== "Bound";
        };
        const isDone = ({ spec, status }: PersistentVolumeClaim): boolean =>
          status?.phase === "Bound" || spec?.storageClassName !== "now";
        const { used } = quota.status ?? {};
        return (
          claims.items.every(isDone) &&
          volumes.items.every(isSettled) &&
          used?.["pods"] === String(there.items.length) &&
          used["persistentvolumeclaims"] === String(claims.items.length)
        );
      },
      120_000,
    );
    await plane.do((client) => this.check(client));
  }

  async tell(acts: number): Promise<void> {
    await this.begin();
    for (let act = 0; act < acts;) {
      await this.plane.host.run(this.random.below(600));
      if (await this.act()) act++;
      await this.plane.do((client) => this.check(client).catch(unreachable));
    }
    await this.end();
    await this.plane.host.stop();
  }
}

/** The API was not there; what does not hold is no such thing. */
function unreachable(error: unknown): void {
  if (!(error instanceof InkubeError)) throw error;
}

function volume(name: string): PersistentVolume {
  return {
    metadata: { name },
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce"],
      storageClassName: "hand",
      hostPath: { path: "/x" },
    },
  };
}

function user(name: string, claimName: string): Pod {
  return {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      containers: [{ name: "c", image: "nginx:0" }],
      volumes: [{ name: "v", persistentVolumeClaim: { claimName } }],
    },
  };
}

it.each([1, 2, 3, 4, 5])("claims and quotas hold while actors die (seed %i)", async (seed) => {
  await new Story(seed).tell(25);
});
