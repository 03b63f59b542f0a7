/** Rules of security contexts. Source: Kubernetes `validatePodSpecSecurityContext`, `ValidateSecurityContext`. */
import type {
  AppArmorProfile,
  Container,
  PodSecurityContext,
  PodSpec,
  SeccompProfile,
  SecurityContext,
  WindowsSecurityContextOptions,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { FieldErrors } from "./field-errors.ts";
import { dns1123Subdomain } from "./names.ts";
import { validateRelativePath } from "./paths.ts";

const ID_MAX = 2_147_483_647;
const APP_ARMOR_CHARS_MAX = 4095;
const SYSCTL_CHARS_MAX = 253;
const SYSCTL = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
const SYSCTL_PATTERN = new RegExp(SYSCTL);

export function validateId(field: string, id: number | undefined, errors: FieldErrors): void {
  if (typeof id === "number") errors.inRange(field, id, 0, ID_MAX);
}

export function validatePodSecurityContext(
  at: string,
  context: PodSecurityContext,
  spec: PodSpec,
  errors: FieldErrors,
): void {
  for (const name of ["fsGroup", "runAsUser", "runAsGroup"] as const)
    validateId(`${at}.${name}`, context[name], errors);
  for (const [i, id] of (context.supplementalGroups ?? []).entries()) {
    validateId(`${at}.supplementalGroups[${i}]`, id, errors);
  }
  validateSysctls(`${at}.sysctls`, context.sysctls ?? [], spec, errors);
  const policies = {
    fsGroupChangePolicy: ["Always", "OnRootMismatch"],
    supplementalGroupsPolicy: ["Merge", "Strict"],
    seLinuxChangePolicy: ["MountOption", "Recursive"],
  } as const;
  for (const name of Object.keys(policies) as (keyof typeof policies)[]) {
    if (context[name] !== undefined) errors.oneOf(`${at}.${name}`, context[name], policies[name]);
  }
  validateProfiles(at, context, errors);
}

export function validateSecurityContext(
  at: string,
  context: SecurityContext,
  hostUsers: boolean,
  errors: FieldErrors,
): void {
  for (const name of ["runAsUser", "runAsGroup"] as const) validateId(`${at}.${name}`, context[name], errors);
  if (context.procMount !== undefined) {
    errors.oneOf(`${at}.procMount`, context.procMount, ["Default", "Unmasked"]);
    if (hostUsers && context.procMount === "Unmasked") {
      errors.invalid(`${at}.procMount`, context.procMount, "`hostUsers` must be false to use `Unmasked`");
    }
  }
  if (context.allowPrivilegeEscalation === false && context.privileged === true) {
    const detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
    errors.invalid(at, goSecurityContext(context), detail);
  }
  if (context.allowPrivilegeEscalation === false && context.capabilities?.add?.includes("CAP_SYS_ADMIN") === true) {
    const detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
    errors.invalid(at, goSecurityContext(context), detail);
  }
  validateProfiles(at, context, errors);
}

/** As Kubernetes' messages show it. */
function goSecurityContext(context: SecurityContext): unknown {
  const { capabilities } = context;
  return {
    Capabilities: capabilities ? { Add: capabilities.add ?? null, Drop: capabilities.drop ?? null } : null,
    Privileged: context.privileged ?? null,
    SELinuxOptions: context.seLinuxOptions ?? null,
    WindowsOptions: context.windowsOptions ?? null,
    RunAsUser: context.runAsUser ?? null,
    RunAsGroup: context.runAsGroup ?? null,
    RunAsNonRoot: context.runAsNonRoot ?? null,
    ReadOnlyRootFilesystem: context.readOnlyRootFilesystem ?? null,
    AllowPrivilegeEscalation: context.allowPrivilegeEscalation ?? null,
    ProcMount: context.procMount ?? null,
    SeccompProfile: context.seccompProfile ?? null,
    AppArmorProfile: context.appArmorProfile ?? null,
  };
}

function validateProfiles(at: string, context: PodSecurityContext | SecurityContext, errors: FieldErrors): void {
  if (context.seccompProfile) validateSeccomp(`${at}.seccompProfile`, context.seccompProfile, errors);
  if (context.appArmorProfile) validateAppArmor(`${at}.appArmorProfile`, context.appArmorProfile, errors);
  if (context.windowsOptions) validateWindows(`${at}.windowsOptions`, context.windowsOptions, errors);
}

const PROFILES = ["Localhost", "RuntimeDefault", "Unconfined"];

function validateSeccomp(at: string, profile: SeccompProfile, errors: FieldErrors): void {
  if (!profile.type) errors.required(`${at}.type`, "type is required when seccompProfile is set");
  else errors.oneOf(`${at}.type`, profile.type, PROFILES);
  const field = `${at}.localhostProfile`;
  const local = profile.localhostProfile;
  if (profile.type === "Localhost") {
    if (local === undefined) errors.required(field, "must be set when seccomp type is Localhost");
    else validateRelativePath(field, local, errors);
  } else if (local !== undefined) {
    const shown = { Type: profile.type ?? "", LocalhostProfile: local };
    errors.invalid(field, shown, "can only be set when seccomp type is Localhost");
  }
}

function validateAppArmor(at: string, profile: AppArmorProfile, errors: FieldErrors): void {
  const field = `${at}.localhostProfile`;
  const local = profile.localhostProfile;
  if (!profile.type) return errors.required(`${at}.type`, "type is required when appArmorProfile is set");
  errors.oneOf(`${at}.type`, profile.type, PROFILES);
  if (profile.type === "Localhost") {
    if (local === undefined || local.trim() === "") {
      errors.required(field, "must be set when AppArmor type is Localhost");
    } else if (local.trim() !== local) errors.invalid(field, local, "must not be padded with whitespace");
    if ((local ?? "").length > APP_ARMOR_CHARS_MAX) errors.tooLong(field, APP_ARMOR_CHARS_MAX);
  } else if (local !== undefined && PROFILES.includes(profile.type)) {
    errors.invalid(field, local, "can only be set when AppArmor type is Localhost");
  }
}

const GMSA_KIB_MAX = 64;
const DOMAIN_CHARS_MAX = 256;
const USER_CHARS_MAX = 104;
const NETBIOS = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const DNS_DOMAIN =
  /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;
/** Control characters. */
const CONTROL = /\p{Cc}/u;

function validateWindows(at: string, options: WindowsSecurityContextOptions, errors: FieldErrors): void {
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: spec, runAsUserName: user } = options;
  if (name !== undefined) errors.all(`${at}.gmsaCredentialSpecName`, name, dns1123Subdomain(name));
  if (spec !== undefined) {
    const field = `${at}.gmsaCredentialSpec`;
    if (spec === "") errors.invalid(field, spec, "gmsaCredentialSpec cannot be an empty string");
    else if (spec.length > GMSA_KIB_MAX * 1024) {
      errors.invalid(field, spec, `gmsaCredentialSpec size must be under ${GMSA_KIB_MAX} KiB`);
    }
  }
  if (user !== undefined) errors.all(`${at}.runAsUserName`, user, windowsUser(user));
}

/** What is wrong with `DOMAIN\USER` or `USER`. */
function windowsUser(value: string): readonly string[] {
  if (value === "") return ["runAsUserName cannot be an empty string"];
  if (CONTROL.test(value)) return ["runAsUserName cannot contain control characters"];
  const parts = value.split("\\");
  if (parts.length > 2) return ["runAsUserName cannot contain more than one backslash"];
  const domain = parts.length === 2 ? (parts[0] ?? "") : undefined;
  const user = parts.at(-1) ?? "";
  const problems: string[] = [];
  if ((domain ?? "").length >= DOMAIN_CHARS_MAX) {
    problems.push(`runAsUserName's Domain length must be under ${DOMAIN_CHARS_MAX} characters`);
  }
  if (domain !== undefined && !NETBIOS.test(domain) && !DNS_DOMAIN.test(domain)) {
    problems.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  }
  if (user === "") problems.push("runAsUserName's User cannot be empty");
  else if (user.length > USER_CHARS_MAX) {
    problems.push(`runAsUserName's User length must not be longer than ${USER_CHARS_MAX} characters`);
  }
  if (/^[. ]+$/.test(user)) problems.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    problems.push("runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
  }
  return problems;
}

function validateSysctls(
  field: string,
  sysctls: NonNullable<PodSecurityContext["sysctls"]>,
  spec: PodSpec,
  errors: FieldErrors,
): void {
  const seen = new Set<string>();
  for (const [i, { name }] of sysctls.entries()) {
    const at = `${field}[${i}].name`;
    if (!name) errors.required(at);
    else if (name.length > SYSCTL_CHARS_MAX || !SYSCTL_PATTERN.test(name)) {
      errors.invalid(at, name, `must have at most ${SYSCTL_CHARS_MAX} characters and match regex ${SYSCTL}`);
    } else if (seen.has(name)) errors.duplicate(at, name);
    seen.add(name);
    const dotted = name.replaceAll("/", ".");
    if (spec.hostNetwork === true && dotted.startsWith("net.")) {
      errors.invalid(at, name, "may not be specified when 'hostNetwork' is true");
    }
    if (spec.hostIPC === true && /^(kernel\.(sem|shm|msg)|fs\.mqueue\.)/.test(dotted)) {
      errors.invalid(at, name, "may not be specified when 'hostIPC' is true");
    }
  }
}

/** Every container, with where it stands. */
export function containersOf(at: string, spec: PodSpec): readonly (readonly [string, Container])[] {
  return (["initContainers", "containers", "ephemeralContainers"] as const).flatMap((list) =>
    ((spec[list] ?? []) as readonly Container[]).map((each, i) => [`${at}.${list}[${i}]`, each] as const),
  );
}

/** What a pod of one operating system can't say of the other. Source: `validateOS`, `validateLinux`, `validateWindows`. */
export function validateOs(at: string, spec: PodSpec, errors: FieldErrors): void {
  const name = spec.os?.name ?? "";
  if (spec.os === undefined) return;
  if (name === "") return errors.required(`${at}.os.name`);
  if (name !== "linux" && name !== "windows") return errors.oneOf(`${at}.os`, name, ["linux", "windows"]);
  const not = (field: string, value: unknown): void => {
    if (value === undefined || value === false) return;
    const detail =
      name === "linux" ? "windows options cannot be set for a linux pod" : "cannot be set for a windows pod";
    errors.forbidden(field, detail);
  };
  const pod = `${at}.securityContext`;
  const containers = containersOf(at, spec);
  if (name === "linux") {
    not(`${pod}.windowsOptions`, spec.securityContext?.windowsOptions);
    for (const [here, { securityContext }] of containers) {
      not(`${here}.securityContext.windowsOptions`, securityContext?.windowsOptions);
    }
    return;
  }
  for (const field of LINUX_ONLY_POD) not(`${pod}.${field}`, spec.securityContext?.[field]);
  if (spec.hostUsers !== undefined) errors.forbidden(`${at}.hostUsers`, "cannot be set for a windows pod");
  not(`${at}.hostPID`, spec.hostPID);
  not(`${at}.hostIPC`, spec.hostIPC);
  if (spec.shareProcessNamespace !== undefined) {
    errors.forbidden(`${at}.shareProcessNamespace`, "cannot be set for a windows pod");
  }
  for (const [here, { securityContext }] of containers) {
    for (const field of LINUX_ONLY_CONTAINER) {
      if (securityContext?.[field] === undefined) continue;
      errors.forbidden(`${here}.securityContext.${field}`, "cannot be set for a windows pod");
    }
  }
}

const LINUX_ONLY_POD = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "fsGroup",
  "fsGroupChangePolicy",
  "sysctls",
  "runAsUser",
  "runAsGroup",
  "supplementalGroups",
  "supplementalGroupsPolicy",
  "seLinuxChangePolicy",
] as const;

const LINUX_ONLY_CONTAINER = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "capabilities",
  "readOnlyRootFilesystem",
  "privileged",
  "allowPrivilegeEscalation",
  "procMount",
  "runAsUser",
  "runAsGroup",
] as const;

/** Source: `validateWindowsHostProcessPod`. */
export function validateHostProcess(at: string, spec: PodSpec, errors: FieldErrors): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  const containers = containersOf(at, spec);
  let count = 0;
  for (const [here, { securityContext }] of containers) {
    const own = securityContext?.windowsOptions?.hostProcess;
    if (ofPod !== undefined && own !== undefined && own !== ofPod) {
      const detail = `pod hostProcess value must be identical if both are specified, was ${ofPod}`;
      errors.invalid(`${here}.securityContext.windowsOptions.hostProcess`, own, detail);
    }
    if (own ?? ofPod) count++;
  }
  if (count === 0) return;
  if (count !== containers.length) {
    const detail = "If pod contains any hostProcess containers then all containers must be HostProcess containers";
    errors.invalid(at, "", detail);
  }
  if (spec.hostNetwork !== true) {
    const detail = "hostNetwork must be true if pod contains any hostProcess containers";
    errors.invalid(`${at}.hostNetwork`, false, detail);
  }
}
