// What of vars.sh is never printed, and what may be.
import { expect, test } from "vitest";
import { maybeSecret } from "./read-vars.ts";

test.each([
  ["AWS_SECRET_ACCESS_KEY", "XXXXX"],
  ["AWS_ACCESS_KEY_ID", "AKIACANARY"],
  ["ANSIBLE_BECOME_PASS", "root"],
  ["DATABASE_URL", "postgres://a:b@c/d"],
  ["SOMETHING", "12345678"],
])("%s is blanked", (name, value) => {
  expect(maybeSecret(name, value)).toBe(true);
});

test.each([
  ["ANSIBLE_HOST_KEY_CHECKING", "False"],
  ["AWS_REGION", "us-east-1"],
  ["KEYPAIR_NAME", "MyKeyPair"],
  ["WORK_DIR", "/home/ada/course"],
  ["KEYPAIR_PEM_FILE", "/home/ada/course/key.pem"],
  ["CONTAINER_IMAGE", "mo833-ansible"],
  ["EPOCHS", "1"],
])("%s is not", (name, value) => {
  expect(maybeSecret(name, value)).toBe(false);
});
