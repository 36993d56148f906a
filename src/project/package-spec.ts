// Python requirement specifiers (PEP 508), narrowed to what can be one harmless line of a requirements file.

const name = "[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?";
const extras = `(?: ?\\[ ?${name}(?: ?, ?${name}){0,15} ?\\])?`;
const clause = "(?:~=|===|==|!=|<=|>=|<|>) ?[A-Za-z0-9.*+!_-]{1,64}";
const versions = `(?: ?${clause}(?: ?, ?${clause}){0,15}| ?\\( ?${clause}(?: ?, ?${clause}){0,15} ?\\))?`;
const url = " @ (?:https|git\\+https|git\\+ssh)://[A-Za-z0-9._~:/#@!&+,=%-]{1,500}";
const marker = "(?: ?; ?[A-Za-z_][A-Za-z0-9_.<>=!~\"'() -]{1,200})?";
const requirement = new RegExp(`^${name}${extras}(?:${versions}|${url})${marker}$`);

const expected = "a package like pandas or scikit-learn==1.5";

/** Undefined when the text is a requirement; the reason never repeats a part of it. */
export function packageProblem(text: string): { expected: string; help?: string } | undefined {
  const spec = text.trim();
  if (spec.startsWith("-")) return { expected, help: "options of pip are not read here" };
  if (hasCredentials(spec)) {
    return {
      expected: "an address without a user or password",
      help: "they would end up in logs and lock files",
    };
  }
  if (requirement.test(spec)) return undefined;
  if (spec.includes("${")) return { expected, help: "${…} is not read here" };
  if (/^[a-z+]+:\/\//i.test(spec))
    return { expected: "an address after its package, like demo @ https://host/demo.whl" };
  if (spec.includes("://")) {
    return {
      expected,
      help: "an address begins with https://, git+https:// or git+ssh:// and has no query (?…)",
    };
  }
  if (/^[\w.-]+ ?=[^=]/.test(spec)) return { expected, help: "an exact version is written with ==" };
  return { expected };
}

/** A user before the host; only `git+ssh` needs one, and it must come without a password. */
function hasCredentials(spec: string): boolean {
  const found = /([a-z+]+):\/\/([^/?#\s]*)@/i.exec(spec);
  if (!found) return /:\/\/[^\s]*:[^\s]*@/.test(spec);
  return found[1]?.toLowerCase() !== "git+ssh" || (found[2] ?? "").includes(":");
}
