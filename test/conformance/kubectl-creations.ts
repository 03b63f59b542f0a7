/** What `kubectl-commands.ts` has made, applied, edited and replaced. */
import type { More, Row } from "./kubectl-row.ts";
import { row, yaml } from "./kubectl-row.ts";

const container = { name: "web", image: "nginx:1.27", resources: { requests: { cpu: "10m" } } };
const template = { metadata: { labels: { app: "web" } }, spec: { containers: [container] } };
const web = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "demo", labels: { app: "web" } },
  spec: { replicas: 2, selector: { matchLabels: { app: "web" } }, template },
};
export const settings = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "settings", namespace: "demo" },
  data: { color: "green" },
};
const request = {
  apiVersion: "certificates.k8s.io/v1",
  kind: "CertificateSigningRequest",
  spec: {
    // Of CN=inkube, made once with openssl.
    request:
      "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlITE1ITUNBUUF3RVRFUE1BMEdBMVVFQXd3R2FXNXJkV0psTUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowRApBUWNEUWdBRTNHOGQyNm1zMm0yVnRudjJhc1luV1FIcFVLM1NzeFJ4UWpiS1ZTNWJ6VEh4VG44bG4zdHV6RDRqCjlheWcwRnM0SU05MmlEZFhMUEFQOGRlQjhxVDVONkFBTUFvR0NDcUdTTTQ5QkFNQ0EwZ0FNRVVDSUhMNGpxc1gKU2Y4NmxHcW0yNkN6YVhkZ0hrRFlGR1d1UTlwMmtJSU5aRVpYQWlFQWdwdWhldWEybGQrZWVmQWhNbC8ybFFJbQovS0gwNkowenVCVVdTNUR4MmdzPQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K",
    signerName: "example.com/serving",
    usages: ["client auth"],
  },
};
export const named = (name: string): More => yaml({ ...request, metadata: { name } });
const claimed = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db", namespace: "demo" },
  spec: {
    serviceName: "db",
    selector: { matchLabels: { app: "db" } },
    template: { ...template, metadata: { labels: { app: "db" } } },
  },
};
const agents = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "agent", namespace: "demo" },
  spec: {
    selector: { matchLabels: { app: "agent" } },
    template: { ...template, metadata: { labels: { app: "agent" } } },
  },
};
const volume = {
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name: "disk" },
  spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/tmp/disk" } },
};
const claim = {
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name: "data", namespace: "demo" },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
};
const policy = {
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: "closed", namespace: "demo" },
  spec: { podSelector: {}, policyTypes: ["Ingress"] },
};

export const CREATE: readonly Row[] = [
  row("create namespace demo", /namespace\/demo created/),
  row("create configmap made -n demo --from-literal a=b", /configmap\/made created/),
  row("create secret generic login -n demo --from-literal password=x", /secret\/login created/),
  row("create secret tls cert -n demo --cert tls.crt --key tls.key", /secret\/cert created/),
  row("create configmap files -n demo --from-file path.txt --from-file other=columns.txt", /configmap\/files created/),
  row("create configmap vars -n demo --from-env-file vars.env", /configmap\/vars created/),
  row(
    "create secret docker-registry pull -n demo --docker-username u --docker-password p --docker-server r",
    /secret\/pull created/,
  ),
  row("create serviceaccount robot -n demo", /serviceaccount\/robot created/),
  row("create role reader -n demo --verb get,list --resource pods,services", /role\.rbac.*\/reader created/),
  row("create rolebinding reads -n demo --role reader --serviceaccount demo:robot", /rolebinding.*\/reads created/),
  row("create clusterrole demo-viewer --verb get --resource nodes", /clusterrole.*\/demo-viewer created/),
  row("create clusterrolebinding demo-views --clusterrole demo-viewer --user bob", /clusterrolebinding.* created/),
  row("create quota limits -n demo --hard pods=100", /resourcequota\/limits created/),
  row("create priorityclass demo-high --value 1000", /priorityclass.*\/demo-high created/),
  row("create poddisruptionbudget kept -n demo --selector app=web --min-available 1", /poddisruptionbudget.* created/),
  row("create service clusterip inner -n demo --tcp 80:8080", /service\/inner created/),
  row("create service nodeport outer -n demo --tcp 80", /service\/outer created/),
  row("create service loadbalancer balanced -n demo --tcp 80", /service\/balanced created/),
  row("create service externalname far -n demo --external-name example.com", /service\/far created/),
  row("create ingress front -n demo --rule example.com/*=inner:80", /ingress.*\/front created/),
  row("create job once -n demo --image busybox -- true", /job\.batch\/once created/),
  row("create cronjob nightly -n demo --image busybox --schedule '0 3 * * *' -- true", /cronjob.* created/),
  row("create job now -n demo --from cronjob/nightly", /job\.batch\/now created/),
  row("create deployment other -n demo --image nginx --replicas 1", /deployment\.apps\/other created/),
  row("create token robot -n demo", /^ey/m),
  row("create -f -", /statefulset\.apps\/db created/, yaml(claimed)),
  row("create -f -", /daemonset\.apps\/agent created/, yaml(agents)),
  row("create -f -", /persistentvolume\/disk created/, yaml(volume)),
  row("create -f -", /persistentvolumeclaim\/data created/, yaml(claim)),
  row("create -f -", /networkpolicy.*\/closed created/, yaml(policy)),
  row("create -k base -n demo --save-config", /configmap\/base-settings created/),
  row("delete -k base -n demo", /"base-settings" deleted/),
  row("create configmap dry -n demo --from-literal a=b --dry-run=client -o yaml", /kind: ConfigMap/),
  row("create --raw /api/v1/namespaces/demo/configmaps -f raw.json", /"name": ?"raw"/),
  row("replace --raw /api/v1/namespaces/demo/configmaps/raw -f raw.json", /"name": ?"raw"/),
  row("delete --raw /api/v1/namespaces/demo/configmaps/raw", /"status": ?"Success"/),
  row("create --dry-run=server -f -", /deployment\.apps\/web created \(server dry run\)/, yaml(web)),
  row("create configmap made -n demo", /configmaps "made" already exists/, { code: 1 }),
];

export const APPLY: readonly Row[] = [
  row("apply -f -", /deployment\.apps\/web created/, yaml(web)),
  row("apply -f -", /deployment\.apps\/web unchanged/, yaml(web)),
  row("apply -f -", /configmap\/settings created/, yaml(settings)),
  row("apply view-last-applied configmap settings -n demo", /color: green/),
  row("apply set-last-applied -f -", /configmap\/settings (unchanged|configured)/, yaml(settings)),
  row("apply edit-last-applied configmap settings -n demo", /configmap\/settings (edited|configured)/),
  row("diff -f -", /^\+ *color: red$/m, { ...yaml({ ...settings, data: { color: "red" } }), code: 1 }),
  row("apply -f -", /configmap\/settings configured/, yaml({ ...settings, data: { color: "green", size: "l" } })),
  row("apply --prune -l nobody=here -n demo -f -", /configmap\/pruned created/, {
    ...yaml({ ...settings, metadata: { name: "pruned", namespace: "demo", labels: { nobody: "here" } } }),
  }),
  row("apply -f - --dry-run=server", /configmap\/settings configured \(server dry run\)/, {
    ...yaml({ ...settings, data: { color: "red" } }),
  }),
  row("apply -f - --dry-run=client", /configmap\/settings (configured|unchanged) \(dry run\)/, yaml(settings)),
  row("apply -f -", /strict decoding error: unknown field "sizes"/, { ...yaml({ ...settings, sizes: {} }), code: 1 }),
  row("apply -f - --validate=warn", /configmap\/settings configured/, yaml({ ...settings, sizes: {}, data: {} })),
  row("apply -f - --validate=false", /configmap\/settings configured/, yaml({ ...settings, sizes: {} })),
  row("apply -R -f folder -n demo", /configmap\/inner created/),
  row("diff -R -f folder -n demo", /^$/),
  row("diff --server-side -f - --force-conflicts", /^\+ *color: red$/m, {
    ...yaml({ ...settings, data: { color: "red" } }),
    code: 1,
  }),
  row("apply -n demo --server-side --prune --applyset=group -f set.yaml", /configmap\/in-set serverside-applied/),
  row("apply -n demo --server-side --prune --applyset=group -f folder/inner.yaml", /configmap\/in-set pruned/, {}),
  row("get secret group -n demo -o jsonpath={.metadata.labels}", /applyset\.kubernetes\.io\/id/),
  row("edit configmap settings -n demo", /configmap\/settings edited/),
  row("get configmap settings -n demo -o jsonpath={.data.color}", /^blue$/),
  row("replace -f -", /configmap\/settings replaced/, yaml(settings)),
  row("replace --force -f -", /configmap\/settings replaced/, yaml(settings)),
  row("apply --server-side --force-conflicts -f -", /configmap\/settings serverside-applied/, {
    ...yaml(settings),
  }),
  row("apply --server-side --field-manager other -f -", /Apply failed with \d conflicts?: conflicts? with "kubectl/, {
    ...yaml({ ...settings, data: { color: "red" } }),
    code: 1,
  }),
  row("kustomize base", /name: base-settings/),
  row("apply -k base -n demo", /configmap\/base-settings created/),
];
