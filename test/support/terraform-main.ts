// Plans and applies the example in a rig's folder, as a process that a test kills. usage: terraform-main.ts FOLDER PROGRAM
import { buildExample } from "./terraform-example.ts";
import { createTerraformRig } from "./terraform-rig.ts";

const [folder, terraform] = process.argv.slice(2);
const { root } = createTerraformRig(terraform === undefined ? {} : { terraform }, folder);
const plan = await root.plan(buildExample(["a", "b"]), () => undefined);
console.log("planned");
await root.apply(plan, ({ kind }) => console.log(kind));
console.log("applied");
