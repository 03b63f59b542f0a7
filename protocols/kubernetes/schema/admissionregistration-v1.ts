/** Field tables of `admissionregistration.k8s.io/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const admissionregistrationV1: SchemaPackage = {
  name: "admissionregistration",
  apiVersion: "admissionregistration.k8s.io/v1",
  openApiPrefix: "io.k8s.api.admissionregistration.v1",
  enums: {
    FailurePolicyType: "Ignore|Fail",
    MatchPolicyType: "Exact|Equivalent",
    OperationType: "*|CREATE|UPDATE|DELETE|CONNECT",
    PatchType: "ApplyConfiguration|JSONPatch",
    ReinvocationPolicyType: "Never|IfNeeded",
    ScopeType: "Cluster|Namespaced|*",
    SideEffectClass: "Unknown|None|Some|NoneOnDryRun",
    ValidationAction: "Deny|Warn|Audit",
  },
  openEnums: {
    ParameterNotFoundActionType: "Allow|Deny",
  },
  types: {
    ApplyConfiguration: `
expression? 1 string
`,
    AuditAnnotation: `
key 1 string
valueExpression 2 string
`,
    ExpressionWarning: `
fieldRef 2 string
warning 3 string
`,
    JSONPatch: `
expression? 1 string
`,
    MatchCondition: `
name 1 string
expression 2 string
`,
    MatchResources: `
!atomic
namespaceSelector? 1 *meta.LabelSelector
objectSelector? 2 *meta.LabelSelector
resourceRules? 3 []NamedRuleWithOperations list=atomic
excludeResourceRules? 4 []NamedRuleWithOperations list=atomic
matchPolicy? 7 *MatchPolicyType
`,
    MutatingAdmissionPolicy: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 MutatingAdmissionPolicySpec
`,
    MutatingAdmissionPolicyBinding: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 MutatingAdmissionPolicyBindingSpec
`,
    MutatingAdmissionPolicyBindingSpec: `
policyName? 1 string
paramRef? 2 *ParamRef
matchResources? 3 *MatchResources
`,
    MutatingAdmissionPolicySpec: `
paramKind? 1 *ParamKind
matchConstraints? 2 *MatchResources
variables? 3 []Variable list=atomic
mutations? 4 []Mutation list=atomic
failurePolicy? 5 *FailurePolicyType
matchConditions? 6 []MatchCondition patch=merge key=name list=map:name
reinvocationPolicy? 7 ReinvocationPolicyType
`,
    MutatingWebhook: `
name 1 string
clientConfig 2 WebhookClientConfig
rules? 3 []RuleWithOperations list=atomic
failurePolicy? 4 *FailurePolicyType
matchPolicy? 9 *MatchPolicyType
namespaceSelector? 5 *meta.LabelSelector
objectSelector? 11 *meta.LabelSelector
sideEffects 6 *SideEffectClass
timeoutSeconds? 7 *int32
admissionReviewVersions 8 []string list=atomic
reinvocationPolicy? 10 *ReinvocationPolicyType
matchConditions? 12 []MatchCondition patch=merge key=name list=map:name
`,
    MutatingWebhookConfiguration: `
!kind
metadata? 1 meta.ObjectMeta
webhooks? 2 []MutatingWebhook patch=merge key=name list=map:name
`,
    Mutation: `
patchType 2 PatchType
applyConfiguration? 3 *ApplyConfiguration
jsonPatch? 4 *JSONPatch
`,
    NamedRuleWithOperations: `
!atomic
resourceNames? 1 []string list=atomic
= 2 RuleWithOperations
`,
    ParamKind: `
!atomic
apiVersion? 1 string
kind? 2 string
`,
    ParamRef: `
!atomic
name? 1 string
namespace? 2 string
selector? 3 *meta.LabelSelector
parameterNotFoundAction? 4 *ParameterNotFoundActionType
`,
    Rule: `
apiGroups? 1 []string list=atomic
apiVersions? 2 []string list=atomic
resources? 3 []string list=atomic
scope? 4 *ScopeType
`,
    RuleWithOperations: `
operations? 1 []OperationType list=atomic
= 2 Rule
`,
    ServiceReference: `
namespace 1 string
name 2 string
path? 3 *string
port? 4 *int32
`,
    TypeChecking: `
expressionWarnings? 1 []ExpressionWarning list=atomic
`,
    ValidatingAdmissionPolicy: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 ValidatingAdmissionPolicySpec
status? 3 ValidatingAdmissionPolicyStatus
`,
    ValidatingAdmissionPolicyBinding: `
!kind
metadata? 1 meta.ObjectMeta
spec! 2 ValidatingAdmissionPolicyBindingSpec
`,
    ValidatingAdmissionPolicyBindingSpec: `
policyName! 1 string
paramRef? 2 *ParamRef
matchResources? 3 *MatchResources
validationActions! 4 []ValidationAction list=set
`,
    ValidatingAdmissionPolicySpec: `
paramKind? 1 *ParamKind
matchConstraints? 2 *MatchResources
validations? 3 []Validation list=atomic
failurePolicy? 4 *FailurePolicyType
auditAnnotations? 5 []AuditAnnotation list=atomic
matchConditions? 6 []MatchCondition patch=merge key=name list=map:name
variables? 7 []Variable patch=merge key=name list=map:name
`,
    ValidatingAdmissionPolicyStatus: `
observedGeneration? 1 int64
typeChecking? 2 *TypeChecking
conditions? 3 []meta.Condition list=map:type
`,
    ValidatingWebhook: `
name 1 string
clientConfig 2 WebhookClientConfig
rules? 3 []RuleWithOperations list=atomic
failurePolicy? 4 *FailurePolicyType
matchPolicy? 9 *MatchPolicyType
namespaceSelector? 5 *meta.LabelSelector
objectSelector? 10 *meta.LabelSelector
sideEffects 6 *SideEffectClass
timeoutSeconds? 7 *int32
admissionReviewVersions 8 []string list=atomic
matchConditions? 11 []MatchCondition patch=merge key=name list=map:name
`,
    ValidatingWebhookConfiguration: `
!kind
metadata? 1 meta.ObjectMeta
webhooks? 2 []ValidatingWebhook patch=merge key=name list=map:name
`,
    Validation: `
expression 1 string
message? 2 string
reason? 3 *meta.StatusReason
messageExpression? 4 string
`,
    Variable: `
!atomic
name 1 string
expression 2 string
`,
    WebhookClientConfig: `
url? 3 *string
service? 1 *ServiceReference
caBundle? 2 bytes
`,
  },
};
