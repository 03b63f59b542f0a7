/**
 * A trace that began outside, as `traceparent` names it: its groups are the trace's id and the parent's. Version ff and ids
 * of zeros alone are not valid.
 * @see W3C Trace Context, 3.2
 */
export const TRACEPARENT: RegExp = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}$/;

/** Where an object says of which trace its last writer's request was a part. @see KEP-5915 */
export const TRACEPARENT_ANNOTATION = "tracing.k8s.io/traceparent";
