// The variables of the wake function: what is written is read again.
import { expect, test } from "vitest";
import { buildWakeVariables, readWakeSettings } from "./wake-function.ts";

const settings = {
  workload: "notebook",
  title: "Jupyter Lab",
  home: "/lab",
  idleMs: 2_400_000,
  port: 8443,
  domain: null,
  passwordHash: "$scrypt$ln=15,r=8,p=1$c2FsdA$aGFzaA",
  readyKey: "MCowBQYDK2VwAyEA",
  allow: ["203.0.113.0/24", "2001:db8::/48"],
};

test.each([settings, { ...settings, idleMs: null, domain: "lab.example.org", port: 443, allow: [] }])(
  "there and back",
  (one) => expect(readWakeSettings(buildWakeVariables(one))).toEqual(one),
);

test("one that is missing is named", () => {
  const { SESTA_READY_KEY: _, ...rest } = buildWakeVariables(settings);
  expect(() => readWakeSettings(rest)).toThrow("The variable SESTA_READY_KEY is not set.");
});
