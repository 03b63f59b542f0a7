/** Names as two runs of one story have them in common, whatever chance made of them. */

/** What `generateName` adds: five of the letters and digits that spell no word. */
const SUFFIX = /-[bcdfghjklmnpqrstvwxz2456789]{5}(?![\w-])/g;
/** Fields of a run's own: its revisions, uids, causes. */
const OWN_FIELDS = /(?:^| )(?:revision|incarnation|auditId|also|more|feasible)=[^ ]*/g;
/** Which of those that are alike does it is chance: who leads, which API server was asked. */
const REPLICA = /^(etcd|api-server|scheduler|controller-manager)-\d+/;

export function canonicalName(subject: string): string {
  return subject.replace(SUFFIX, "-?");
}

export function canonicalDetail(detail: string): string {
  return detail.replace(OWN_FIELDS, "").replace(SUFFIX, "-?").trim();
}

export function canonicalActor(actor: string): string {
  return actor.replace(REPLICA, "$1");
}
