/**
 * What Go's YAML reads into a plain word, beyond YAML 1.2: kubectl and kube-apiserver take `yes` and `off` for booleans, and so does
 * who reads the same manifests here. Source: `go.yaml.in/yaml/v2`, `resolve.go`.
 */
interface WordTag {
  readonly default: true;
  readonly tag: string;
  readonly test: RegExp;
  readonly resolve: (text: string) => boolean;
}

/** For `customTags` of the parser, besides those it has. */
export const GO_YAML_TAGS: readonly WordTag[] = [
  {
    default: true,
    tag: "tag:yaml.org,2002:bool",
    test: /^(?:y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$/,
    resolve: (text) => /^(?:y|on)/i.test(text),
  },
];
