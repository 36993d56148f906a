// Blocks of Terraform's language as values: resources, data sources, and texts that refer to them.

/**
 * A text in Terraform's template syntax, escaped where it is not a reference.
 * (https://developer.hashicorp.com/terraform/language/expressions/strings)
 */
export type Template = { readonly template: string };

export type Text = string | Template;
export type Num = number | Template;
export type Flag = boolean | Template;
export type List<One> = readonly One[] | Template;

export type Kind = "resource" | "data";

export type Block = {
  readonly kind: Kind;
  readonly type: string;
  readonly name: string;
  readonly body: object;
};

/** What every resource may say beside its own arguments. */
export type Meta = {
  depends_on?: readonly Block[];
  lifecycle?: {
    create_before_destroy?: boolean;
    ignore_changes?: readonly string[];
    prevent_destroy?: boolean;
  };
};

/** @returns a function that makes blocks of one type */
export function define<Arguments extends object>(kind: Kind, type: string) {
  return (name: string, { depends_on, ...body }: Arguments & Meta): Block => ({
    kind,
    type,
    name,
    body: { ...body, ...(depends_on && { depends_on: depends_on.map(addressOf) }) },
  });
}

/** As Terraform speaks of it: "aws_instance.lab". */
export function addressOf({ kind, type, name }: Block): string {
  return `${kind === "data" ? "data." : ""}${type}.${name}`;
}

/** An attribute of a block; `path` goes on from it: "names[0]". */
export function of(block: Block, path: string): Template {
  return { template: `\${${addressOf(block)}.${path}}` };
}

/** A text with references in it. */
export function text(parts: TemplateStringsArray, ...values: readonly Text[]): Template {
  const joined = parts.map((part, index) => escape(part) + renderAt(values, index));
  return { template: joined.join("") };
}

/** JSON with references in it, as policies are; what they lead to must need no escaping in JSON. */
export function json(value: unknown): Template {
  return { template: write(value) };
}

export function isTemplate(value: unknown): value is Template {
  return typeof value === "object" && value !== null && "template" in value;
}

/** Text that Terraform reads as it stands. */
export function escape(plain: string): string {
  return plain.replaceAll("${", "$${").replaceAll("%{", "%%{");
}

function renderAt(values: readonly Text[], index: number): string {
  const value = values[index];
  if (value === undefined) return "";
  return isTemplate(value) ? value.template : escape(value);
}

function write(value: unknown): string {
  if (isTemplate(value)) return `"${value.template}"`;
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, one]) => one !== undefined);
    return `{${entries.map(([key, one]) => `${escape(JSON.stringify(key))}:${write(one)}`).join(",")}}`;
  }
  return escape(JSON.stringify(value));
}
