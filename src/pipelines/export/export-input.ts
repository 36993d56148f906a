// What workflows are built from.
import type { PipelineSection, RegistrySection } from "../../model/pipeline.ts";
import type { SecretRef } from "../../model/secret.ts";

export type ExportInput = {
  /** Sesta's own. */
  version: string;
  pipeline: PipelineSection;
  secrets: Readonly<Record<string, SecretRef>>;
  registries: Readonly<Record<string, RegistrySection>>;
  /** Of services, by name: the type of their target. */
  targets: Readonly<Record<string, string>>;
  /** Of the project in its repository; empty where it is the repository itself. */
  folder: string;
  /** Long-lived keys of the AWS account instead of OIDC. */
  storedKeys: boolean;
};

/** What somebody has to set in the repository's settings. */
export type Setting = { kind: "secret" | "variable"; name: string; what: string };

export type Exported = {
  /** Below `.github/workflows`. */
  files: readonly { name: string; text: string }[];
  settings: readonly Setting[];
  notes: readonly string[];
};
