/**
 * What `test/e2e/kubectl-commands.test.ts` types, in this order, into one cluster with one node: every subcommand that needs no
 * shell in a pod. What each prints stands beside it.
 */
export interface Row {
  readonly command: string;
  /** In what it prints, to either stream. */
  readonly prints: RegExp;
  readonly input?: string;
  /** 0 by default. */
  readonly code?: number;
  /** What is known not to be as with a real cluster, and what it comes to instead. */
  readonly differs?: { readonly what: string; readonly prints: RegExp; readonly code?: number };
}

export interface Section {
  readonly name: string;
  readonly rows: readonly Row[];
}

type More = Omit<Row, "command" | "prints">;

function row(command: string, prints: RegExp, more: More = {}): Row {
  return { command, prints, ...more };
}

function yaml(object: unknown): More {
  return { input: JSON.stringify(object) };
}

const container = { name: "web", image: "nginx:1.27", resources: { requests: { cpu: "10m" } } };
const template = { metadata: { labels: { app: "web" } }, spec: { containers: [container] } };
const web = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "demo", labels: { app: "web" } },
  spec: { replicas: 2, selector: { matchLabels: { app: "web" } }, template },
};
const settings = {
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
const named = (name: string): More => yaml({ ...request, metadata: { name } });
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

const NO_CONTROLLER: More = {
  differs: {
    what: "no controller acts on the kind yet",
    prints: /timed out waiting/,
    code: 1,
  },
};

const ABOUT: readonly Row[] = [
  row("version", /Server Version: v1\.37/),
  row("version -o json", /"gitVersion": "v1\.37/),
  row("cluster-info", /Kubernetes control plane.* is running at/),
  row("cluster-info dump --namespaces default", /"kind": "NodeList"/),
  row("api-versions", /^apps\/v1$/m),
  row("api-resources", /^deployments +deploy +apps\/v1 +true +Deployment$/m),
  row("api-resources --namespaced=false -o name", /^nodes$/m),
  row("api-resources --api-group apps --verbs list,watch -o wide", /^statefulsets +sts .*create,delete/m),
  row("options", /--kubeconfig/),
  row("plugin list", /unable to find any kubectl plugins/, { code: 1 }),
  row("completion bash", /bash completion/),
  row("config view", /current-context:/),
  row("config current-context", /\S/),
  row("config get-contexts", /CURRENT +NAME/),
  row("config get-clusters", /NAME/),
  row("config get-users", /NAME/),
  row("config set-context other --namespace demo", /Context "other" created/),
  row("config rename-context other another", /renamed/),
  row("config delete-context another", /deleted context another/),
  row("get --raw /healthz", /^ok$/),
  row("get --raw /livez?verbose", /\[\+\]ping ok/),
];

const CREATE: readonly Row[] = [
  row("create namespace demo", /namespace\/demo created/),
  row("create configmap made -n demo --from-literal a=b", /configmap\/made created/),
  row("create secret generic login -n demo --from-literal password=x", /secret\/login created/),
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
  row("create --dry-run=server -f -", /deployment\.apps\/web created \(server dry run\)/, yaml(web)),
  row("create configmap made -n demo", /configmaps "made" already exists/, { code: 1 }),
];

const APPLY: readonly Row[] = [
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
  row("edit configmap settings -n demo", /configmap\/settings edited/),
  row("get configmap settings -n demo -o jsonpath={.data.color}", /^blue$/),
  row("replace -f -", /configmap\/settings replaced/, yaml(settings)),
  row("replace --force -f -", /configmap\/settings replaced/, yaml(settings)),
  row("apply --server-side --force-conflicts -f -", /configmap\/settings serverside-applied/, {
    ...yaml(settings),
  }),
  row("kustomize base", /name: base-settings/),
  row("apply -k base -n demo", /configmap\/base-settings created/),
];

const CHANGE: readonly Row[] = [
  row("rollout status deployment/web -n demo --timeout 30s", /successfully rolled out/),
  row("label deployment web -n demo tier=front", /deployment\.apps\/web labeled/),
  row("label deployment web -n demo --list", /^tier=front$/m),
  row("annotate deployment web -n demo note=a", /deployment\.apps\/web annotated/),
  row(`patch deployment web -n demo -p '{"spec":{"minReadySeconds":0,"revisionHistoryLimit":5}}'`, /web patched/),
  row(`patch deployment web -n demo --type merge -p '{"metadata":{"labels":{"a":"b"}}}'`, /web patched/),
  row(`patch deployment web -n demo --type json -p '[{"op":"remove","path":"/metadata/labels/a"}]'`, /web patched/),
  row(
    `patch deployment web -n demo --subresource scale --type merge -p '{"spec":{"replicas":3}}'`,
    /scale\.autoscaling\/web patched/,
  ),
  row("scale deployment web -n demo --replicas 2", /deployment\.apps\/web scaled/),
  row("scale deployment web -n demo --current-replicas 7 --replicas 1", /Expected replicas to be 7, was 2/, {
    code: 1,
  }),
  row("set image deployment/web -n demo web=nginx:1.28", /image updated/),
  row("set env deployment/web -n demo LEVEL=info", /env updated/),
  row("set env deployment/web -n demo --list", /LEVEL=info/),
  row("set resources deployment web -n demo --limits cpu=200m", /resource requirements updated/),
  row("set serviceaccount deployment web robot -n demo", /serviceaccount updated/),
  row("set selector service inner app=web -n demo", /selector updated/),
  row("set subject rolebinding reads -n demo --user bob", /subjects updated/),
  row("rollout status deployment/web -n demo --timeout 30s", /successfully rolled out/),
  row("rollout history deployment/web -n demo", /REVISION/),
  row("rollout undo deployment/web -n demo", /rolled back/),
  row("rollout pause deployment/web -n demo", /paused/),
  row("rollout resume deployment/web -n demo", /resumed/),
  row("rollout restart deployment/web -n demo", /restarted/),
  row("rollout status deployment/web -n demo --timeout 30s", /successfully rolled out/),
  row("rollout status statefulset/db -n demo --timeout 10s", /roll out complete/, NO_CONTROLLER),
  row("rollout status daemonset/agent -n demo --timeout 10s", /successfully rolled out/, NO_CONTROLLER),
  row("autoscale deployment web -n demo --min 1 --max 3 --cpu-percent 80", /autoscaled/),
  row("expose deployment web -n demo --port 80", /service\/web exposed/),
  row("run shell -n demo --image busybox --labels app=shell", /pod\/shell created/),
  row("wait pod/shell -n demo --for=condition=Ready --timeout 30s", /condition met/),
  row("wait deployment/web -n demo --for=jsonpath={.status.readyReplicas}=2 --timeout 30s", /condition met/),
  row("logs shell -n demo", /^/),
  row("logs deployment/web -n demo --tail 5", /^/),
  row("cordon worker-0", /worker-0 cordoned/),
  row("uncordon worker-0", /worker-0 uncordoned/),
  row("taint node worker-0 demo=yes:PreferNoSchedule", /worker-0 tainted/),
  row("taint node worker-0 demo-", /worker-0 untainted/),
  row("drain worker-0 --ignore-daemonsets --force --dry-run=server", /drained \(server dry run\)/),
  row("auth can-i create pods", /^yes$/m),
  row("auth can-i --list -n demo", /Resources +Non-Resource URLs/),
  row("auth whoami", /Username +\S+/),
  row("auth reconcile -f -", /role\.rbac.*\/reader reconciled/, {
    ...yaml({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata: { name: "reader", namespace: "demo" },
      rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["watch"] }],
    }),
  }),
  row("events -n demo", /Scheduled/),
  row("events -n demo --for pod/shell --types Normal", /Scheduled/),
];

const GET: readonly Row[] = [
  row("get all -n demo", /deployment\.apps\/web/),
  row("get pods -n demo", /NAME +READY +STATUS +RESTARTS +AGE/),
  row("get pods -n demo -o wide", /IP +NODE +NOMINATED NODE/),
  row("get pods -A --no-headers", /^demo +/m),
  row("get pods -n demo --show-labels", /LABELS/),
  row("get pods -n demo -L app", /APP/),
  row("get pods -n demo -l app=web -o name", /^pod\/web-/m),
  row("get pods -n demo --field-selector status.phase=Running -o name", /^pod\//m),
  row("get pods -n demo --sort-by .metadata.name", /other-[\s\S]*shell[\s\S]*web-/),
  row("get pods -n demo --chunk-size 1 -o name", /pod\/shell/),
  row("get pod shell -n demo -o json", /"kind": "Pod"/),
  row("get pod shell -n demo -o yaml", /^kind: Pod$/m),
  row("get pod shell -n demo -o jsonpath={.metadata.name}", /^shell$/),
  row("get pods -n demo -o jsonpath-as-json={.items[*].metadata.name}", /"shell"/),
  row("get pods -n demo -o custom-columns=NAME:.metadata.name,NODE:.spec.nodeName", /shell +worker-0/),
  row("get pods -n demo -o custom-columns-file=columns.txt", /POD[\s\S]*shell/),
  row("get pod shell -n demo -o go-template={{.metadata.name}}", /^shell$/),
  row("get pod shell -n demo -o go-template-file=template.txt", /name is shell/),
  row("get pod shell -n demo -o jsonpath-file=path.txt", /^shell$/),
  row("get deployment web -n demo --subresource status -o jsonpath={.status.replicas}", /^2$/),
  row("get deployment web -n demo -o yaml --show-managed-fields", /kind: Deployment/),
  row("get pods,services -n demo --show-kind", /service\/web/),
  row("get pod nobody -n demo --ignore-not-found", /^$/),
  row("get pod nobody -n demo", /pods "nobody" not found/, { code: 1 }),
  row("get gadgets", /the server doesn't have a resource type "gadgets"/, { code: 1 }),
  row("get -f - -o name", /^configmap\/settings$/m, yaml(settings)),
  row("get horizontalpodautoscalers.v1.autoscaling web -n demo -o jsonpath={.apiVersion}", /^autoscaling\/v1$/),
  row("explain pod", /KIND: +Pod[\s\S]*spec\s+<PodSpec>/),
  row("explain pod.spec.containers.livenessProbe.httpGet", /FIELD: httpGet <HTTPGetAction>[\s\S]*scheme/),
  row("explain deployment --recursive", /initialDelaySeconds\s+<integer>/),
  row("explain deployment.spec.template.spec.affinity.nodeAffinity --recursive", /matchExpressions/),
  row("explain hpa.spec --api-version autoscaling/v1", /targetCPUUtilizationPercentage/),
  row("explain customresourcedefinition.spec.versions.schema.openAPIV3Schema", /x-kubernetes-validations/),
  row("explain pod.spec --output plaintext-openapiv2", /FIELDS:[\s\S]*containers/),
  row("explain pod.spec.nothing", /field "nothing" does not exist/, { code: 1 }),
];

const REQUESTS: readonly Row[] = [
  row("create -f -", /certificatesigningrequest.*\/demo-a created/, named("demo-a")),
  row("create -f -", /certificatesigningrequest.*\/demo-b created/, named("demo-b")),
  row("certificate approve demo-a", /demo-a approved/),
  row("certificate deny demo-b", /demo-b denied/),
  row("get csr demo-a demo-b", /demo-a .*Approved[\s\S]*demo-b .*Denied/),
];

type Described = readonly [what: string, prints: RegExp];
/** A kind's own description, or the general one. */
const DESCRIBED: readonly Described[] = [
  ["node worker-0", /Allocatable:/],
  ["namespace demo", /Resource Quotas/],
  ["pod shell", /Containers:[\s\S]*Events:/],
  ["deployment web", /RollingUpdateStrategy:/],
  ["replicaset -l app=web", /Controlled By: +Deployment\/web/],
  ["statefulset db", /Update Strategy:/],
  ["daemonset agent", /Desired Number of Nodes Scheduled:/],
  ["job once", /Completions:/],
  ["cronjob nightly", /Schedule: +0 3 \* \* \*/],
  ["service web", /Endpoints:/],
  ["endpoints web", /Subsets:/],
  ["endpointslice -l kubernetes.io/service-name=web", /AddressType:/],
  ["ingress front", /Rules:/],
  ["networkpolicy closed", /PodSelector:/],
  ["configmap settings", /color:/],
  ["secret login", /password: +\d+ bytes?/],
  ["serviceaccount robot", /Tokens:/],
  ["role reader", /PolicyRule:/],
  ["rolebinding reads", /Subjects:/],
  ["clusterrole demo-viewer", /PolicyRule:/],
  ["clusterrolebinding demo-views", /Subjects:/],
  ["resourcequota limits", /Hard/],
  ["priorityclass demo-high", /Value: +1000/],
  ["poddisruptionbudget kept", /Min available: +1/],
  ["persistentvolume disk", /Capacity: +1Gi/],
  ["persistentvolumeclaim data", /Access Modes/],
  ["hpa web", /Min replicas:/],
  ["csr demo-a", /Signer: +example\.com\/serving/],
  ["lease worker-0 --namespace kube-node-lease", /API Version: +coordination\.k8s\.io\/v1/],
  ["events", /API Version: +v1/],
];

const REMOVE: readonly Row[] = [
  row("delete pod shell -n demo --dry-run=server", /pod "shell" deleted \(server dry run\)/),
  row("delete pod shell -n demo --now", /pod "shell" deleted/),
  row("wait pod/shell -n demo --for=delete --timeout 30s", /^/),
  row("delete deployment other -n demo --cascade=orphan", /deployment\.apps "other" deleted/),
  row("delete replicasets -n demo -l app=other", /replicaset\.apps "other-/),
  row("delete services --all -n demo", /service "web" deleted/),
  row("delete -f -", /configmap "settings" deleted/, yaml(settings)),
  row("delete csr demo-a demo-b", /"demo-b" deleted/),
  row("drain worker-0 --ignore-daemonsets --force --disable-eviction --timeout 30s", /node\/worker-0 drained/),
  row("uncordon worker-0", /worker-0 uncordoned/),
  row("delete namespace demo --timeout 60s", /namespace "demo" deleted/),
];

const FIGURES: readonly Row[] = [
  row("top node", /CPU\(cores\)[^]*worker-0 +\d+m +\d+% +\d+Mi/),
  row("top node worker-0 --sort-by memory", /worker-0/),
  row("top pod -A", /NAMESPACE +NAME +CPU\(cores\)[^]*demo +web-\S+ +\d+m +\d+Mi/),
  row("top pod -A --containers --sort-by cpu", /POD +NAME +CPU\(cores\)[^]*demo +web-\S+ +web +\d+m +\d+Mi/),
  row("top pod -n demo -l app=web --sort-by memory --sum", /web-[^]*\d+m +\d+Mi\s*$/),
  row("get podmetrics -n demo", /NAME +CPU +MEMORY +WINDOW[^]*\nweb-\S+ +\S+ +\S+ +\S+s/),
  row("get nodes.metrics.k8s.io worker-0 -o jsonpath={.usage.memory}", /^\d+/),
  row("get apiservice v1beta1.metrics.k8s.io", /Local +True/),
];

function described([what, prints]: Described): Row {
  return row(what.includes("--namespace") ? `describe ${what}` : `describe ${what} -n demo`, prints);
}

export const SECTIONS: readonly Section[] = [
  { name: "About the cluster", rows: ABOUT },
  { name: "Creating", rows: CREATE },
  { name: "Applying, editing, replacing", rows: APPLY },
  { name: "Changing", rows: CHANGE },
  { name: "Reading", rows: GET },
  { name: "Certificate requests", rows: REQUESTS },
  { name: "Describing", rows: DESCRIBED.map(described) },
  { name: "Figures", rows: FIGURES },
  { name: "Removing", rows: REMOVE },
];
