/**
 * Object types of `coordination.k8s.io/v1` as JSON, for the kinds that inkube serves. Follows the field tables of Kubernetes 1.37.
 * Serialised times are RFC 3339 strings, quantities and bytes (base64) are strings.
 */
import type { MicroTime, ObjectMeta } from "./meta-v1.ts";

export interface Lease {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
  readonly spec?: LeaseSpec;
}

export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: MicroTime;
  readonly renewTime?: MicroTime;
  readonly leaseTransitions?: number;
  readonly strategy?: string;
  readonly preferredHolder?: string;
}
