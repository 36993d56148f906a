// Every rule finds its kind of secret where it really stands, also in pieces and in notebooks, and little else.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSecretScan } from "./secret-scan.ts";

function find(
  content: string | Buffer,
  values: readonly string[] = [],
  pieceBytes = Infinity,
): string | undefined {
  const scan = createSecretScan(values);
  const bytes = Buffer.from(content);
  for (let at = 0; at < bytes.length; at += Math.min(pieceBytes, bytes.length))
    scan.feed(bytes.subarray(at, at + pieceBytes));
  return scan.end();
}

/** Looks random and is the same in every run. */
const noise = (
  length: number,
  alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
) => {
  let text = "";
  for (let round = 0; text.length < length; round++)
    for (const byte of createHash("sha256").update(`${round}`).digest())
      text += alphabet[byte % alphabet.length] ?? "";
  return text.slice(0, length);
};
const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

// In parts, so that this file itself holds none.
const secrets: Readonly<Record<string, string>> = {
  "AWS access key ID": `AKIA${noise(16, upper)}`,
  "AWS secret access key": noise(40),
  "private key": `-----BEGIN RSA ${"PRIVATE"} KEY-----\nProc-Type: 4,ENCRYPTED\n\n${noise(64)}\n`,
  "GitHub token": `ghp_${noise(36)}`,
  "GitLab token": `glpat-${noise(20)}`,
  "Slack token": `xoxb-${noise(12, "0123456789")}-${noise(24)}`,
  "Slack webhook": `https://hooks.slack.com/${"services"}/T${noise(9, upper)}/B${noise(9, upper)}/${noise(24)}`,
  "Google API key": `AIza${noise(35)}`,
  "Google OAuth client secret": `GOCSPX-${noise(28)}`,
  "Google access token": `ya29.${noise(60)}`,
  "OpenAI API key": `sk-proj-${noise(74)}`,
  "Anthropic API key": `sk-ant-api03-${noise(93)}AA`,
  "Hugging Face token": `hf_${noise(34)}`,
  "Stripe key": `sk_live_${noise(24)}`,
  "npm token": `npm_${noise(36)}`,
  "PyPI token": `pypi-AgEIcHlwaS5vcmc${noise(60)}`,
};

describe.each(Object.entries(secrets))("T19: %s", (name, secret) => {
  test("in a program, at the end of a file, in a notebook: with its line and without its value", () => {
    const why = `${name} in line 3`;
    const content = `import x\n\nkey = "${secret}"\n`;
    expect(find(content)).toBe(why);
    expect(find(`a\nb\nKEY=${secret}`)).toBe(why);
    const notebook = JSON.stringify(
      { source: [`key = "${secret.replaceAll("\n", "\\n")}"\n`, "print(key)"] },
      null,
      1,
    );
    expect(find(notebook)).toBe(why);
    expect(find(JSON.stringify({ text: content }))).toBe(`${name} in line 1`);
  });

  test("in pieces that cut it anywhere", () => {
    const content = `${"# comment line\n".repeat(400)}key = "${secret}"\n${"# more\n".repeat(400)}`;
    for (const pieceBytes of [997, 1024, 3001, 6_010])
      expect(find(content, [], pieceBytes)).toBe(`${name} in line 401`);
  });
});

test("T19: the bare second half of a pair, and the documented example", () => {
  const example = ["wJalrXUtnFEMI/K7MDENG/", "bPxRfiCYEXAMPLEKEY"].join("");
  expect(find(`${example}\n`)).toBe("AWS secret access key in line 1");
  expect(find(`aws_secret_access_key = ${example}`)).toBe("AWS secret access key in line 1");
});

test("T19: a given value is found in any file, in JSON too, whatever it looks like", () => {
  const value = 'pass"wörd-of-mine';
  expect(find(`a\nb ${value}`, [value])).toBe("a secret of this project in line 2");
  expect(find(JSON.stringify({ value }), [value])).toBe("a secret of this project in line 1");
  expect(find(Buffer.from(`\0\0${value}`), [value])).toBe("a secret of this project");
  expect(find("short short", ["short"])).toBeUndefined();
});

test("what looks similar is none", () => {
  const innocent = [
    createHash("sha1").update("x").digest("hex"),
    `"${createHash("sha256").update("x").digest("base64")}"`,
    `image/png": "${noise(4_000)}"`,
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n",
    'if line.startswith("-----BEGIN PRIVATE KEY-----"):\n    raise ValueError',
    "/home/Alice/Projects/Thesis2024/Chapter1a",
    "import hf_transfer_of_something_that_is_long_enough_here",
    "risk-management-of-projects sk-learn sk-proj-short npm_config_registry_of_this_machine",
    "aws_secret_access_key = os.environ['AWS_SECRET_ACCESS_KEY']",
    "xoxb-your-token-here AKIAEXAMPLE ghp_xxxx",
    `{"id": "${noise(36)}"}`,
  ];
  for (const text of innocent) expect([text, find(text)]).toEqual([text, undefined]);
  fc.assert(fc.property(fc.lorem({ maxCount: 200 }), (text) => find(text) === undefined));
});

test("binary files are passed over but for given values", () => {
  expect(find(Buffer.from(`\0${secrets["GitHub token"]}`))).toBeUndefined();
});
