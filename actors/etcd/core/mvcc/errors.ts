export { etcdError } from "../../../../protocols/etcd-errors.ts";
