// Finds the password that a request brings along, in the three places where one may stand.

export type PasswordParts = {
  method: string;
  /** What follows the `?` of the request's target, still encoded. */
  query: string;
  authorization: string | undefined;
  contentType: string | undefined;
  /** Text of the body where it is a form; the caller bounds its size. */
  body: string | undefined;
};

/**
 * In this order, the first that is there: `Authorization: Bearer …`, field `pass` or `password` of a form post,
 * `pass` in the query; what leaks least wins. Query and form are decoded as forms are (`+` is a space, as it was
 * behind API Gateway). Undefined when there is none, when it is empty, or when one place names several.
 */
export function readPassword(parts: PasswordParts): string | undefined {
  const bearer = readBearer(parts.authorization);
  if (bearer !== undefined) return bearer;
  if (isFormPost(parts)) {
    const fields = new URLSearchParams(parts.body ?? "");
    const values = [...fields.getAll("pass"), ...fields.getAll("password")];
    if (values.length > 0) return theOnly(values);
  }
  return theOnly(new URLSearchParams(parts.query).getAll("pass"));
}

/**
 * What a program shows in `Authorization`: a bearer token, or the password of the basic scheme whatever the user is
 * called (RFC 7617). Undefined where it shows neither.
 */
export function readProgramSecret(authorization: string | undefined): string | undefined {
  const [, encoded] = /^Basic +([\w+/]+=*) *$/i.exec(authorization ?? "") ?? [];
  if (encoded === undefined) return readBearer(authorization);
  const decoded = Buffer.from(encoded, "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  return colon === -1 || colon === decoded.length - 1 ? undefined : decoded.slice(colon + 1);
}

function readBearer(authorization: string | undefined): string | undefined {
  const [, value] = /^Bearer +(.*?) *$/is.exec(authorization ?? "") ?? [];
  return value ? asUtf8(value) : undefined;
}

/** Node hands over header bytes as Latin-1; clients that send other letters send UTF-8. */
function asUtf8(value: string): string {
  const bytes = Buffer.from(value, "latin1");
  if (bytes.toString("latin1") !== value) return value;
  const decoded = bytes.toString("utf8");
  return decoded.includes("\ufffd") ? value : decoded;
}

function isFormPost({ method, contentType }: PasswordParts): boolean {
  return method === "POST" && /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType ?? "");
}

/** With several it would be up to the reader which one counts, so none does. */
function theOnly(values: readonly string[]): string | undefined {
  return values.length === 1 && values[0] !== "" ? values[0] : undefined;
}
