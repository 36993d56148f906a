// The targets of the project file as zod schemas.
import { z } from "zod";
import type { HostSection } from "../model/target-section.ts";
import { field, isLine, Refusal, type About } from "./fields.ts";
import { findUnknownKey, wholeNumber } from "./job-fields.ts";

const hostName = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,253})|\[?[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,45}\]?)$/;
const userName = /^[A-Za-z_][A-Za-z0-9._-]{0,63}$/;
const plainName = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;

const slots = wholeNumber(1, 1_000, {
  description:
    "How many runs each machine carries at once, whatever they need; without it one that asks for GPUs, and any number of others.",
  examples: [1],
});

export const localTarget = z
  .strictObject({
    type: z.literal("local").meta({ description: "This machine." }),
    slots: slots.optional(),
  })
  .meta({ title: "Local target", description: "This machine. `local` always exists." });

export const sshTarget = z
  .strictObject({
    type: z.literal("ssh").meta({ description: "Machines that you reach over SSH." }),
    hosts: z
      .array(host())
      .min(1)
      .max(256)
      .meta({
        description:
          "Names of your ssh configuration, addresses, or mappings with host, port, user, key and address.",
        examples: [["gpu-box"], [{ host: "10.0.0.5", user: "ubuntu", key: "~/.ssh/team.pem" }]],
        shown: "list of hosts",
      }),
    slots: slots.optional(),
    wake: z
      .strictObject({
        mac: field(
          (input: unknown): string | Refusal =>
            typeof input === "string" && /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i.test(input)
              ? input.toLowerCase().replaceAll("-", ":")
              : new Refusal("a hardware address like 04:7c:16:aa:bb:cc"),
          { type: "string", shown: "hardware address", description: "Of its network card." },
        ),
      })
      .meta({ title: "Wake", description: "How the machine is woken by the network (wake-on-LAN)." })
      .optional(),
    sleep: field(
      (input: unknown): "none" | "suspend" | "poweroff" | Refusal =>
        input === "none" || input === "suspend" || input === "poweroff"
          ? input
          : new Refusal("none, suspend or poweroff"),
      {
        enum: ["none", "suspend", "poweroff"],
        shown: "none, suspend or poweroff",
        description: "What the sleep of a lab does to the machine.",
        default: "none",
      },
    ).optional(),
  })
  .meta({ title: "SSH target", description: "Machines that you reach over SSH; no root is needed on them." });

function host() {
  const about: About = { shown: "host", description: "A name of your ssh configuration, or an address." };
  return field((input: unknown): HostSection | Refusal => {
    if (typeof input === "string")
      return hostName.test(input) ? { name: input, host: input } : new Refusal("a host like gpu-box");
    if (typeof input !== "object" || input === null || Array.isArray(input))
      return new Refusal("a host like gpu-box, or a mapping like { host: 10.0.0.5, user: ubuntu }");
    return resolveHost(input as Record<string, unknown>);
  }, about);
}

/** What ssh's configuration would read otherwise than it stands is no path here. */
function isKeyPath(key: unknown): boolean {
  return isLine(key) && !/^-|["%]/.test(key);
}

const hostKeys = ["name", "host", "port", "user", "key", "address"];

/** What a host is called; undefined for what is none. */
export function readHostName(input: unknown): string | undefined {
  if (typeof input === "string") return input;
  if (typeof input !== "object" || input === null || Array.isArray(input)) return undefined;
  const found = resolveHost(input as Record<string, unknown>);
  return found instanceof Refusal ? undefined : found.name;
}

function resolveHost(given: Record<string, unknown>): HostSection | Refusal {
  const { name, host, port, user, key, address } = given;
  const unknown = findUnknownKey(given, hostKeys);
  if (unknown) return unknown;
  if (typeof host !== "string" || !hostName.test(host)) return new Refusal("host: a name or an address");
  if (port !== undefined && !(Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535))
    return new Refusal("port: from 1 to 65535");
  if (user !== undefined && !(typeof user === "string" && userName.test(user)))
    return new Refusal("user: a name like ubuntu");
  if (key !== undefined && !isKeyPath(key)) return new Refusal("key: the path of a private key");
  if (address !== undefined && !(typeof address === "string" && hostName.test(address)))
    return new Refusal("address: a name or an address");
  if (name !== undefined && !(typeof name === "string" && plainName.test(name)))
    return new Refusal("name: letters, digits, dots, hyphens and underscores");
  return {
    name: typeof name === "string" ? name : port === undefined ? host : `${host}:${String(port)}`,
    host,
    ...(port !== undefined && { port: Number(port) }),
    ...(typeof user === "string" && { user }),
    ...(typeof key === "string" && { key }),
    ...(typeof address === "string" && { address }),
  };
}
