/** Where an object is, by its kind, namespace and name; and what is refused for saying that it is elsewhere. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { InkubeError } from "../../../../protocols/errors.ts";
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import { BrokenInvariant } from "../broken-invariant.ts";
import type { Served } from "../catalog/catalog.ts";
import type { ObjectForm } from "../catalog/form.ts";
import { checkKind } from "../custom/validation.ts";
import { badRequest, conflict, forbidden, invalid } from "../machinery/status.ts";
import { FieldErrors } from "../machinery/validation/field-errors.ts";

export interface ObjectPlace {
  readonly served: Served;
  readonly namespace: string | undefined;
  readonly name: string;
}

/** Below its kind's storage prefix. */
export function keyOf({ served: { info }, namespace, name }: ObjectPlace): string {
  if (!info.namespaced) return name;
  if (!namespace) throw new BrokenInvariant(`${info.resource} ${name} without a namespace`);
  return `${namespace}/${name}`;
}

/** An object that is put must say which it is. */
export function checkIdentity(place: ObjectPlace, incoming: KubernetesObject): void {
  const { served, namespace, name } = place;
  const given = incoming.metadata?.name;
  if (!given) {
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  }
  checkName(place, given);
  checkNamespace(served, namespace, incoming.metadata.namespace);
}

/** @throws Status 400 */
export function checkName({ name }: ObjectPlace, given: string | undefined): void {
  if (given === name) return;
  throw badRequest(`the name of the object (${given ?? ""}) does not match the name on the URL (${name})`);
}

/** @throws Status 400 */
export function checkNamespace({ info }: Served, namespace: string | undefined, given: string | undefined): void {
  if (!info.namespaced || !given || given === namespace) return;
  throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

/**
 * An object that is made says which kind it is of before anything else counts.
 * @throws Status 422
 */
export function checkTypeMeta({ info, form }: Served, object: KubernetesObject): void {
  if (form.type !== undefined) return;
  const errors = new FieldErrors();
  const { apiVersion = "", kind = "", metadata } = object;
  if (!checkKind(object, info, errors)) return;
  const group = apiVersion.slice(0, Math.max(0, apiVersion.indexOf("/")));
  throw invalid({ group, kind }, metadata?.name ?? "", errors.causes);
}

/**
 * Of a custom resource, what is sent is of the version of the path.
 * @throws Status 400
 */
export function checkSentVersion({ apiVersion, type }: ObjectForm, sent: KubernetesObject): void {
  if (type !== undefined || sent.apiVersion === apiVersion) return;
  const expected = `does not match the expected API version (${apiVersion})`;
  throw badRequest(`the API version in the data (${sent.apiVersion ?? ""}) ${expected}`);
}

/** Of a kind whose definition is on its way out nothing is made. */
export function refuseTerminating({ info }: Served, name: string): void {
  if (info.terminating === true) throw terminatingDefinition(info, name);
}

export function terminatingDefinition(info: ResourceInfo, name: string): InkubeError {
  return forbidden(info, name, "create not allowed while custom resource definition is terminating");
}

/** That an object which can be read is deleted as if it could not. */
export function readable(place: ObjectPlace): InkubeError {
  const { name } = place;
  const { info } = place.served;
  const why = "unsafe deletion is not allowed because the object is decodable from storage";
  const key = `${info.storagePrefix}/${keyOf(place)}`;
  const text = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`;
  return conflict(info, name, text);
}
