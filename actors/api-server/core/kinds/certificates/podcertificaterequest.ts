/** PodCertificateRequests: whom their fields belong to, and no more. Source: Kubernetes `pkg/registry/certificates/podcertificaterequest`. */
import { METADATA_AND_SPEC } from "../../managed-fields/field-filter.ts";
import type { KindRules } from "../rules.ts";

export const podCertificateRequestRules: KindRules = { resetFields: { status: METADATA_AND_SPEC } };
