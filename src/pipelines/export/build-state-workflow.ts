// The workflow that makes the bucket of Terraform's state: once, and again without harm.
import { buildAwsLogin } from "./stage-job.ts";
import { printWorkflow, runner } from "./workflow.ts";

/** Outside of us-east-1 the region must be said again (S3, CreateBucket, LocationConstraint). */
const script = `if ! aws s3api head-bucket --bucket "$BUCKET" 2>/dev/null; then
  if [ "$AWS_REGION" = us-east-1 ]; then
    aws s3api create-bucket --bucket "$BUCKET"
  else
    aws s3api create-bucket --bucket "$BUCKET" --create-bucket-configuration "LocationConstraint=$AWS_REGION"
  fi
fi
aws s3api put-public-access-block --bucket "$BUCKET" --public-access-block-configuration \\
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
aws s3api put-bucket-versioning --bucket "$BUCKET" --versioning-configuration Status=Enabled
aws s3api put-bucket-encryption --bucket "$BUCKET" --server-side-encryption-configuration \\
  '{"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}'
`;

export function buildStateWorkflow(region: string, storedKeys: boolean): string {
  return printWorkflow({
    name: "terraform-backend",
    on: { push: { branches: ["terraform-backend"] }, workflow_dispatch: {} },
    permissions: { contents: "read" },
    concurrency: { group: "terraform-backend", "cancel-in-progress": false },
    jobs: {
      bucket: {
        "runs-on": runner,
        "timeout-minutes": 10,
        permissions: storedKeys ? {} : { "id-token": "write" },
        steps: [
          buildAwsLogin(region, storedKeys),
          {
            name: "Make the bucket, private, versioned and encrypted",
            env: { BUCKET: "${{ vars.TERRAFORM_STATE_BUCKET }}" },
            run: script,
          },
        ],
      },
    },
  });
}
