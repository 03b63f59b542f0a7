/** NetworkPolicies. Source: Kubernetes `pkg/apis/networking`. */
import { formatSelectorObject } from "../../../../../protocols/kubernetes/selectors.ts";
import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from "../../../../../protocols/kubernetes/types/networking-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { member, objectsIn, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { containsRange, lenientRange, parseIpRange, rangeWarnings } from "../../machinery/validation/ip.ts";
import { validateLabelSelector } from "../../machinery/validation/label-selector.ts";
import { portName } from "../../machinery/validation/names.ts";
import type { KindRules } from "../rules.ts";

export const networkPolicyRules: KindRules = {
  defaults: (object) => defaults(member(object, "spec")),
  validate: (object: NetworkPolicy, errors) => validate(object, new Set(), errors),
  validateUpdate: (object: NetworkPolicy, old: NetworkPolicy, errors) =>
    validate(object, new Set(blocksOf(old).flatMap(({ block }) => [block.cidr, ...(block.except ?? [])])), errors),
  warnings,
  retold: warnings,
  cells: (object: NetworkPolicy, nowMs) => [
    nameOf(object),
    formatSelectorObject(object.spec?.podSelector) || "<none>",
    ageOf(object, nowMs),
  ],
};

function warnings(object: NetworkPolicy): readonly string[] {
  return blocksOf(object).flatMap(({ at, block }) => [
    ...rangeWarnings(`${at}.cidr`, block.cidr),
    ...(block.except ?? []).flatMap((except, i) => rangeWarnings(`${at}.except[${i}]`, except)),
  ]);
}

function defaults(spec: JsonObject): void {
  const rules = [...objectsIn(spec["ingress"]), ...objectsIn(spec["egress"])];
  for (const port of rules.flatMap((rule) => objectsIn(rule["ports"]))) setDefault(port, "protocol", "TCP");
  if (Array.isArray(spec["policyTypes"]) && spec["policyTypes"].length > 0) return;
  const egress = Array.isArray(spec["egress"]) && spec["egress"].length > 0;
  spec["policyTypes"] = egress ? ["Ingress", "Egress"] : ["Ingress"];
}

interface Block {
  readonly at: string;
  readonly block: IPBlock;
}

/** Those of a policy in the order in which it names them, and where they are. */
function blocksOf({ spec }: NetworkPolicy): readonly Block[] {
  const found = (at: string, peers: readonly NetworkPolicyPeer[] | undefined): readonly Block[] =>
    (peers ?? []).flatMap(({ ipBlock }, i) => (ipBlock ? [{ at: `${at}[${i}].ipBlock`, block: ipBlock }] : []));
  return [
    ...(spec?.ingress ?? []).flatMap(({ from }, i) => found(`spec.ingress[${i}].from`, from)),
    ...(spec?.egress ?? []).flatMap(({ to }, i) => found(`spec.egress[${i}].to`, to)),
  ];
}

/** @param known ranges that the stored policy has: they may stay, whatever they look like */
function validate({ spec }: NetworkPolicy, known: ReadonlySet<string>, errors: FieldErrors): void {
  validateLabelSelector("spec.podSelector", spec?.podSelector ?? {}, errors);
  for (const [i, { ports = [], from = [] }] of (spec?.ingress ?? []).entries()) {
    const at = `spec.ingress[${i}]`;
    for (const [j, port] of ports.entries()) validatePort(`${at}.ports[${j}]`, port, errors);
    for (const [j, peer] of from.entries()) validatePeer(`${at}.from[${j}]`, peer, known, errors);
  }
  for (const [i, { ports = [], to = [] }] of (spec?.egress ?? []).entries()) {
    const at = `spec.egress[${i}]`;
    for (const [j, port] of ports.entries()) validatePort(`${at}.ports[${j}]`, port, errors);
    for (const [j, peer] of to.entries()) validatePeer(`${at}.to[${j}]`, peer, known, errors);
  }
  const types = spec?.policyTypes ?? [];
  if (types.length > 2) return errors.invalid("spec.policyTypes", types, "may not specify more than two policyTypes");
  for (const [i, type] of types.entries()) errors.oneOf(`spec.policyTypes[${i}]`, type, ["Ingress", "Egress"]);
}

const PORT_MAX = 65_535;

function validatePort(at: string, { protocol, port, endPort }: NetworkPolicyPort, errors: FieldErrors): void {
  if (protocol !== undefined) errors.oneOf(`${at}.protocol`, protocol, ["TCP", "UDP", "SCTP"]);
  if (port === undefined) {
    if (endPort !== undefined)
      errors.invalid(`${at}.endPort`, endPort, "may not be specified when `port` is not specified");
  } else if (typeof port === "string") {
    if (endPort !== undefined)
      errors.invalid(`${at}.endPort`, endPort, "may not be specified when `port` is non-numeric");
    errors.all(`${at}.port`, port, portName(port));
  } else {
    errors.inRange(`${at}.port`, port, 1, PORT_MAX);
    if (endPort === undefined) return;
    if (endPort < port) errors.invalid(`${at}.endPort`, endPort, "must be greater than or equal to `port`");
    errors.inRange(`${at}.endPort`, endPort, 1, PORT_MAX);
  }
}

function validatePeer(at: string, peer: NetworkPolicyPeer, known: ReadonlySet<string>, errors: FieldErrors): void {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  if (podSelector) validateLabelSelector(`${at}.podSelector`, podSelector, errors);
  if (namespaceSelector) validateLabelSelector(`${at}.namespaceSelector`, namespaceSelector, errors);
  if (ipBlock) validateBlock(`${at}.ipBlock`, ipBlock, known, errors);
  if (!podSelector && !namespaceSelector && !ipBlock) errors.required(at, "must specify a peer");
  else if (ipBlock && (podSelector || namespaceSelector)) {
    errors.forbidden(at, "may not specify both ipBlock and another peer");
  }
}

function validateBlock(at: string, block: IPBlock, known: ReadonlySet<string>, errors: FieldErrors): void {
  if (!block.cidr) return errors.required(`${at}.cidr`);
  if (!known.has(block.cidr)) errors.all(`${at}.cidr`, block.cidr, lenientRange(block.cidr));
  const whole = parseIpRange(block.cidr);
  if (whole === undefined) return;
  for (const [i, except] of (block.except ?? []).entries()) {
    const here = `${at}.except[${i}]`;
    if (!known.has(except)) errors.all(here, except, lenientRange(except));
    const part = parseIpRange(except);
    if (part === undefined) continue;
    if (!containsRange(whole, part) || whole.prefix >= part.prefix) {
      errors.invalid(here, except, "must be a strict subset of `cidr`");
    }
  }
}
