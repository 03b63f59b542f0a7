/** The pods of a Job as its template wants them. The caller's client makes the name. */
import type { Job } from "../../../../protocols/kubernetes/types/batch-v1.ts";
import type { Container, Pod, PodSpec } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { controllerReference } from "../../../../protocols/kubernetes/owners.ts";
import { countOf, INDEX, INDEX_FAILURES, INDEX_IGNORED_FAILURES, matchFailure, TRACKING } from "./pods.ts";

const INDEX_VARIABLE = "JOB_COMPLETION_INDEX";
/** A name with its index may have so many characters, before what the API server adds. */
const INDEXED_NAME_MAX = 58;

/** How often pods of an index had failed before. */
export interface IndexFailures {
  readonly counted: number;
  readonly ignored: number;
}

/** What the next pod of the index is told, after `last`. */
export function failuresAfter(job: Job, last: Pod | undefined): IndexFailures {
  if (last === undefined) return { counted: 0, ignored: 0 };
  const { isCounted } = matchFailure(job, last);
  return {
    counted: countOf(last, INDEX_FAILURES) + (isCounted ? 1 : 0),
    ignored: countOf(last, INDEX_IGNORED_FAILURES) + (isCounted ? 0 : 1),
  };
}

export function jobPod(job: Job, index?: number, failures?: IndexFailures): Pod {
  const { name, namespace } = job.metadata ?? {};
  const template = job.spec?.template;
  if (template?.spec === undefined || name === undefined || namespace === undefined) {
    throw new Error("a Job without template or name passed validation");
  }
  const { labels, annotations, finalizers = [] } = template.metadata ?? {};
  const indexed = index === undefined ? {} : { [INDEX]: `${index}` };
  const counts: Record<string, string> = {};
  if (failures !== undefined) {
    counts[INDEX_FAILURES] = `${failures.counted}`;
    if (failures.ignored > 0) counts[INDEX_IGNORED_FAILURES] = `${failures.ignored}`;
  }
  const notes = { ...annotations, ...indexed, ...counts };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: `${index === undefined ? name : `${name}-${index}`.slice(0, INDEXED_NAME_MAX - 1)}-`,
      namespace,
      labels: { ...labels, ...indexed },
      ...(Object.keys(notes).length === 0 ? {} : { annotations: notes }),
      finalizers: finalizers.includes(TRACKING) ? finalizers : [...finalizers, TRACKING],
      ownerReferences: [controllerReference("batch/v1", "Job", job)],
    },
    spec: index === undefined ? template.spec : withIndex(template.spec, `${name}-${index}`),
  };
}

function withIndex(spec: PodSpec, hostname: string): PodSpec {
  const { containers, initContainers } = spec;
  return {
    ...spec,
    hostname: spec.hostname ?? hostname,
    containers: containers.map(withIndexVariable),
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map(withIndexVariable) }),
  };
}

function withIndexVariable(container: Container): Container {
  const { env = [] } = container;
  if (env.some(({ name }) => name === INDEX_VARIABLE)) return container;
  const fieldRef = { fieldPath: `metadata.labels['${INDEX}']` };
  return { ...container, env: [...env, { name: INDEX_VARIABLE, valueFrom: { fieldRef } }] };
}
