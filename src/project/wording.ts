// How problems name values. Nothing here can put control characters on a terminal.

const longest = 60;

/** A value as a person would name it; strings in quotes, shortened, addresses cut off. */
export function describe(value: unknown, source?: string): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value === "string") return quote(value);
  return source === undefined ? String(value) : quote(source).slice(1, -1);
}

export function quote(text: string): string {
  const safe = text.replace(/:\/\/.*/s, "://…"); // an address may carry a password or a token
  const short = safe.length > longest ? `${safe.slice(0, longest)}…` : safe;
  return JSON.stringify(short).replace(
    // C1 controls, zero-width and direction marks, line separators: they could rewrite what a terminal shows.
    /[\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** `lab`, `lab or job`, `lab, job or service`. */
export function oneOf(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
