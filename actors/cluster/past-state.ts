/** What the cluster's objects were at a moment, to be looked at like the API. */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import type { ObjectThen, StateOfObjects } from "../../protocols/trace-collector.ts";
import { objectOf } from "../trace-collector/core/state.ts";
import { resourceOf } from "../trace-collector/core/subjects.ts";

export class PastState {
  /** Of the last write before. */
  readonly revision: number;
  /** When that was; null where that is not recorded. */
  readonly timeMs: number | null;
  private readonly objects: ReadonlyMap<string, ObjectThen>;

  constructor({ revision, timeMs, objects }: StateOfObjects) {
    this.revision = revision;
    this.timeMs = timeMs;
    this.objects = new Map(objects.map((object) => [object.subject, object]));
  }

  /** `pod/web-1` (in `default`), `pods/shop/web-1`, `node/worker-1`; undefined when there was none. */
  get(ref: string): KubernetesObject | undefined {
    const [word = "", ...rest] = ref.split("/");
    const path = [resourceOf(word), ...rest].join("/");
    const inDefault = rest.length === 1 ? this.objects.get(`${resourceOf(word)}/default/${rest[0]}`) : undefined;
    const found = this.objects.get(path) ?? inDefault;
    return found === undefined ? undefined : objectOf(found);
  }

  /** By namespace and name; of all namespaces where none is given. */
  list(resource: string, namespace?: string): readonly KubernetesObject[] {
    const prefix = `${resourceOf(resource)}/${namespace === undefined ? "" : `${namespace}/`}`;
    return [...this.objects].filter(([subject]) => subject.startsWith(prefix)).map(([, object]) => objectOf(object));
  }
}
