// Text with holes that only the machine can fill: a port, a folder, the process's own token file.

/** `runtime` lasts for one start; `keep` is the workload's own for as long as it exists. */
export const placeNames = ["environment", "workspace", "runtime", "keep", "port", "token_file"] as const;
export type PlaceName = (typeof placeNames)[number];
export type Places = Readonly<Record<PlaceName, string>>;
export type Template = readonly (string | { readonly place: PlaceName })[];

/** `template\`${{ place: "environment" }}/bin/python\`` */
export function template(parts: TemplateStringsArray, ...places: { place: PlaceName }[]): Template {
  return parts.flatMap((part, index) => [part, places[index] ?? ""]).filter((part) => part !== "");
}

export function fill(text: Template, places: Places): string {
  return text.map((part) => (typeof part === "string" ? part : places[part.place])).join("");
}
