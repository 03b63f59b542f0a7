/** What RoleBindings and ClusterRoleBindings have in common. Source: Kubernetes `pkg/apis/rbac`. */
import type { ClusterRoleBinding, RoleBinding, Subject } from "../../../../../protocols/kubernetes/types/rbac-v1.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { member, objectsIn, setDefault } from "../../machinery/default-values.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { dns1123Subdomain, pathSegment } from "../../machinery/validation/names.ts";
import type { KindRules } from "../rules.ts";

const GROUP = "rbac.authorization.k8s.io";

type Binding = RoleBinding | ClusterRoleBinding;

export function bindingRules(kinds: readonly string[], namespaced: boolean): KindRules {
  const validate = (binding: Binding, errors: FieldErrors): void => {
    validateRoleRef(binding, kinds, errors);
    for (const [i, subject] of (binding.subjects ?? []).entries()) {
      validateSubject(`subjects[${i}]`, subject, namespaced, errors);
    }
  };
  return {
    name: pathSegment,
    defaults: (object) => {
      setDefault(member(object, "roleRef"), "apiGroup", GROUP, "");
      for (const subject of objectsIn(object["subjects"])) {
        if (subject["kind"] === "User" || subject["kind"] === "Group") setDefault(subject, "apiGroup", GROUP, "");
      }
    },
    validate,
    validateUpdate: (binding: Binding, old: Binding, errors) => {
      validate(binding, errors);
      const { apiGroup: APIGroup, kind: Kind, name: Name } = binding.roleRef;
      if (!equalJson(binding.roleRef, old.roleRef))
        errors.invalid("roleRef", { APIGroup, Kind, Name }, "field is immutable");
    },
    cells,
  };
}

function validateRoleRef(
  { roleRef: { apiGroup, kind, name } }: Binding,
  kinds: readonly string[],
  errors: FieldErrors,
): void {
  errors.oneOf("roleRef.apiGroup", apiGroup, [GROUP]);
  errors.oneOf("roleRef.kind", kind, kinds);
  if (!name) errors.required("roleRef.name");
  else errors.all("roleRef.name", name, pathSegment(name));
}

function validateSubject(at: string, subject: Subject, namespaced: boolean, errors: FieldErrors): void {
  const { kind, name, apiGroup = "", namespace } = subject;
  if (!name) errors.required(`${at}.name`);
  switch (kind) {
    case "ServiceAccount":
      if (name) errors.all(`${at}.name`, name, dns1123Subdomain(name));
      if (apiGroup !== "") errors.unsupported(`${at}.apiGroup`, apiGroup, [""]);
      if (!namespaced && !namespace) errors.required(`${at}.namespace`);
      return;
    case "User":
    case "Group":
      return errors.oneOf(`${at}.apiGroup`, apiGroup, [GROUP]);
  }
  errors.unsupported(`${at}.kind`, kind, ["ServiceAccount", "User", "Group"]);
}

function cells(binding: Binding, nowMs: number): readonly Cell[] {
  const subjects = binding.subjects ?? [];
  const named = (kind: string): string =>
    subjects
      .filter((subject) => subject.kind === kind)
      .map(({ name, namespace }) => (kind === "ServiceAccount" && namespace ? `${namespace}/${name}` : name))
      .join(", ");
  return [
    nameOf(binding),
    `${binding.roleRef.kind}/${binding.roleRef.name}`,
    ageOf(binding, nowMs),
    named("User"),
    named("Group"),
    named("ServiceAccount"),
  ];
}
