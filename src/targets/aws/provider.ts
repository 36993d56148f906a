// The provider for AWS, as every root asks for it.
import type { AwsTargetSection } from "../../model/aws.ts";
import type { Provider } from "../terraform/build-root.ts";

/** Native locks of a state in S3 came with 1.10. (Terraform, "Backend Type: s3") */
export const terraformVersion = ">= 1.10";

/** Credentials never stand in a root: a profile is a name. */
export function buildProviders({ region, profile }: AwsTargetSection): Record<string, Provider> {
  return {
    aws: {
      source: "hashicorp/aws",
      version: "~> 5.46",
      settings: { region, ...(profile !== undefined && { profile }) },
    },
  };
}
