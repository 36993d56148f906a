// The steps that bring a job's data to its machine, where it is kept by what it is.
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { formatCount, formatSize } from "../../model/size.ts";
import { requireDone, runScript, type Host } from "../../machine/host.ts";
import type { DataSource, JobSection } from "../../model/project.ts";
import { digestOf } from "../../workloads/job/digests.ts";
import type { Context } from "../context.ts";
import { hashFiles } from "./hash-files.ts";
import { listFiles } from "./list-files.ts";
import { changedMeanwhile, senderOf } from "./send-sources.ts";
import { exists, type EarlyPrepared, type Step } from "./step.ts";

export function buildDataSteps(
  context: Context,
  { data }: JobSection,
  host: Host,
  prepared: EarlyPrepared,
): Step[] {
  return data.map((source, index) =>
    source.kind === "url"
      ? fetchStep(context, source, host, prepared)
      : sendStep(context, source, index, host, prepared),
  );
}

function fetchStep(context: Context, source: DataSource, host: Host, prepared: EarlyPrepared): Step {
  const { from, to, unpack, sha256 } = source;
  const place = `${host.base}/cache/data/${digestOf("url", sha256 ?? from, unpack)}`;
  const name = unpack ? "archive" : "file";
  prepared.data.push({ from: `${place}/${unpack ? "tree" : name}`, to });
  prepared.made.push(place);
  return {
    name: `data ${to}`,
    title: `fetch ${from}`,
    needs: ["packages"],
    check: () => exists(host, `${place}/complete`),
    async run({ detail, signal }) {
      detail(from);
      const hint = "Check the address in sesta.yaml, and the machine's own connection.";
      const options = { signal, onLine: detail };
      const making = await begin(context, host, place);
      const operands = ["fetch", from, `${making}/${name}`, sha256 ?? ""];
      const fetched = await runScript(host, "data.sh", operands, options);
      requireDone(fetched, `${from} could not be fetched`, host.machine.name, hint);
      if (unpack) await unpackThere(host, `${making}/${name}`, `${making}/tree`, from, signal);
      await finish(host, making, place);
    },
  };
}

function sendStep(
  context: Context,
  source: DataSource,
  index: number,
  host: Host,
  prepared: EarlyPrepared,
): Step {
  const { machine, project, world, folder: own } = context;
  const { from, to, unpack } = source;
  const local = join(project.folder, from);
  const placed = { from: "", to };
  prepared.data.push(placed);
  let found: { folder: string; files: string[]; bytes: number; place: string; isFolder: boolean } | undefined;

  async function look() {
    const isFolder = (await lstat(local)).isDirectory();
    const folder = isFolder ? local : join(local, "..");
    const files = isFolder ? await listFiles(machine, local, []) : [from.split("/").at(-1) ?? from];
    const name = digestOf("data-cache", from, index);
    const { digest, bytes } = await hashFiles(folder, files, join(own, `hashes-${name}.json`), world.clock);
    const place = `${host.base}/cache/data/${digestOf("data", digest, unpack)}`;
    placed.from = unpack ? `${place}/tree` : isFolder ? `${place}/sent` : `${place}/sent/${files[0] ?? ""}`;
    prepared.made.push(place);
    found = { folder, files, bytes, place, isFolder };
    return found;
  }

  return {
    name: `data ${to}`,
    title: `send ${from}`,
    needs: ["packages"],
    async check() {
      const { place } = await look();
      return exists(host, `${place}/complete`);
    },
    async run({ detail, bytes: report, signal }) {
      const { folder, files, bytes, place } = found ?? (await look());
      detail(`${formatCount(files.length, "file")}, ${formatSize(bytes)}`);
      const making = await begin(context, host, place);
      await host.machine.upload({ folder, files }, `${making}/sent`, {
        onProgress: report,
        signal,
      });
      if ((await look()).place !== place) throw changedMeanwhile(`The data of ${from}`);
      if (unpack) await unpackThere(host, `${making}/sent/${files[0] ?? ""}`, `${making}/tree`, from, signal);
      await finish(host, making, place);
    },
  };
}

async function unpackThere(
  host: Host,
  archive: string,
  to: string,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const ran = await runScript(host, "data.sh", ["unpack", archive, to], { signal });
  requireDone(
    ran,
    `${name} could not be unpacked`,
    host.machine.name,
    "Use a tar or zip archive of files and folders.",
  );
  await host.machine.run(["rm", "-f", archive]);
}

/** @returns the folder in which it is made, so that what has its place is whole */
async function begin(context: Context, host: Host, place: string): Promise<string> {
  const making = `${place}.making-${senderOf(context, host)}`;
  const ran = await runScript(host, "data.sh", ["open", making]);
  requireDone(ran, "The data has no place", host.machine.name, "Check the disk there.");
  return making;
}

async function finish(host: Host, making: string, place: string): Promise<void> {
  const ran = await runScript(host, "data.sh", ["keep", making, place]);
  requireDone(ran, "The data could not be kept", host.machine.name, "Check the disk there.");
}
