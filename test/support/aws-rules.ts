// The rules that every root for AWS keeps, whatever it is for. Each is checked on the JSON that Terraform reads.

type Body = Record<string, unknown>;
type Built = { resource?: Record<string, Record<string, Body>> };
type Rule = { says: string; find(resources: readonly Resource[], options: Options): string[] };
type Resource = { address: string; type: string; body: Body };
/** Addresses that the project file opens something to. */
type Options = { allowed: readonly string[] };

const untagged = new Set([
  "aws_apigatewayv2_integration",
  "aws_apigatewayv2_route",
  "aws_iam_role_policy",
  "aws_lambda_permission",
  "aws_route_table_association",
]);
/** Actions that know no resource. */
const resourceless = new Set(["ec2:DescribeInstances"]);

const rules: readonly Rule[] = [
  {
    says: "nothing comes in but from addresses that the project file names",
    find: (resources, { allowed }) =>
      of(resources, "aws_security_group").flatMap(({ address, body }) =>
        list(body["ingress"])
          .flatMap((rule) => [...texts(rule["cidr_blocks"]), ...texts(rule["ipv6_cidr_blocks"])])
          .filter((from) => !allowed.includes(from))
          .map((from) => `${address} lets ${from} in`),
      ),
  },
  {
    says: "nothing comes in but to SSH and front doors, over TCP",
    find: (resources) =>
      of(resources, "aws_security_group").flatMap(({ address, body }) =>
        list(body["ingress"])
          .filter(
            ({ protocol, from_port: from, to_port: to }) =>
              protocol !== "tcp" || from !== to || ![22, 443, 8443].includes(Number(from)),
          )
          .map((rule) => `${address} opens ${JSON.stringify(rule)}`),
      ),
  },
  {
    says: "a machine's metadata asks for a token, and answers to the machine alone",
    find: (resources) =>
      of(resources, "aws_instance").flatMap(({ address, body }) => {
        const options = body["metadata_options"] as Body | undefined;
        const isSafe =
          options?.["http_tokens"] === "required" && options["http_put_response_hop_limit"] === 1;
        return isSafe ? [] : [address];
      }),
  },
  {
    says: "disks are encrypted",
    find: (resources) =>
      of(resources, "aws_instance")
        .filter(({ body }) => (body["root_block_device"] as Body | undefined)?.["encrypted"] !== true)
        .map(({ address }) => address),
  },
  {
    says: "a machine that powers itself off is stopped, not destroyed",
    find: (resources) =>
      of(resources, "aws_instance")
        .filter(({ body }) => body["instance_initiated_shutdown_behavior"] !== "stop")
        .map(({ address }) => address),
  },
  {
    says: "nothing is in user data, which everybody on the machine reads",
    find: (resources) =>
      of(resources, "aws_instance")
        .filter(({ body }) => "user_data" in body || "user_data_base64" in body)
        .map(({ address }) => address),
  },
  {
    says: "a role may do what it needs: no action is a pattern, and all resources are meant only where none can be named",
    find: (resources) =>
      of(resources, "aws_iam_role_policy").flatMap(({ address, body }) => {
        const { Statement } = JSON.parse(String(body["policy"])) as { Statement: Body[] };
        return Statement.filter(({ Effect }) => Effect === "Allow").flatMap(({ Action, Resource }) => {
          const actions = [Action].flat().map(String);
          const broad = actions.filter((action) => action.includes("*"));
          const all = Resource === "*" ? actions.filter((action) => !resourceless.has(action)) : [];
          return [...broad, ...all].map((action) => `${address} allows ${action}`);
        });
      }),
  },
  {
    says: "logs are not kept for ever",
    find: (resources) =>
      of(resources, "aws_cloudwatch_log_group")
        .filter(({ body }) => !(Number(body["retention_in_days"]) > 0))
        .map(({ address }) => address),
  },
  {
    says: "whatever can be tagged says whose it is, and what it is",
    find: (resources) =>
      resources
        .filter(({ type }) => !untagged.has(type))
        .filter(({ address, body }) => {
          const tags = (body["tags"] ?? {}) as Record<string, string>;
          return tags["sesta:address"] !== address || !/^[0-9a-f]{8}$/.test(tags["sesta:stack"] ?? "");
        })
        .map(({ address }) => address),
  },
];

/** @returns a line for each breach */
export function findBreaches(root: string, options: Options): string[] {
  const { resource = {} } = JSON.parse(root) as Built;
  const resources = Object.entries(resource).flatMap(([type, named]) =>
    Object.entries(named).map(([name, body]) => ({ address: `${type}.${name}`, type, body })),
  );
  return rules.flatMap(({ says, find }) => find(resources, options).map((breach) => `${says}: ${breach}`));
}

const of = (resources: readonly Resource[], type: string) => resources.filter((one) => one.type === type);
const list = (value: unknown) => (Array.isArray(value) ? (value as Body[]) : []);
const texts = (value: unknown) => (Array.isArray(value) ? value.map(String) : []);
