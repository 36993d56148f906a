// Keeps secret values out of everything that is printed, logged or recorded.

const minimumLength = 4; // shorter values would blank out ordinary text
const known = new Set<string>();

/** Remembers a value that must never be shown, in itself and in the forms it takes inside a URL or JSON. */
export function protect(value: string): void {
  if (value.length < minimumLength) return;
  known.add(value);
  known.add(encodeURIComponent(value));
  known.add(new URLSearchParams({ v: value }).toString().slice(2));
  known.add(JSON.stringify(value).slice(1, -1));
}

/** `text` with every protected value, and every `pass=`, `token=` and Authorization value, blanked. */
export function redact(text: string): string {
  let clean = text;
  for (const value of known) clean = clean.replaceAll(value, "[redacted]");
  return clean
    .replace(/([?&](?:pass|password|token|code)=)[^&\s"'#]*/gi, "$1[redacted]")
    .replace(/(authorization:\s*(?:bearer|token|basic)\s+)\S+/gi, "$1[redacted]");
}
