// Secrets by reference: where a value comes from, never the value itself.

/** Text with `${env.X}` holes, cut into its parts; filled in only when the value is needed. */
export type EnvText = readonly (string | { readonly env: string })[];

export type SecretRef =
  | { readonly env: string }
  /** Absolute, beginning with `~/`, or relative to the project's folder. */
  | { readonly file: EnvText }
  /** Given to `sh -c` in the project's folder. */
  | { readonly command: string };

export const secretNamePattern = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
export const envNamePattern = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
export const secretReferencePattern = /^\$\{secret\.[A-Za-z_][A-Za-z0-9_-]{0,63}\}$/;

/** The name in `${secret.NAME}`, when the whole text is one such reference. */
export function findSecretName(text: string): string | undefined {
  return secretReferencePattern.test(text) ? text.slice("${secret.".length, -1) : undefined;
}

/** `${env.HOME}/x` as `[{ env: "HOME" }, "/x"]`; undefined when a `${` in it is anything else. */
export function findEnvText(text: string): EnvText | undefined {
  const parts = text.split(/\$\{env\.([A-Za-z_][A-Za-z0-9_]{0,127})\}/);
  if (parts.some((part, index) => index % 2 === 0 && part.includes("${"))) return undefined;
  return parts.map((part, index) => (index % 2 === 0 ? part : { env: part })).filter((part) => part !== "");
}

/** The text as it was written: `${env.HOME}/x`. */
export function formatEnvText(text: EnvText): string {
  return text.map((part) => (typeof part === "string" ? part : `\${env.${part.env}}`)).join("");
}
