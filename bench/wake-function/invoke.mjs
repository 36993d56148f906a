// One cold start in Node: imports the function that it is told, hands it the event in EVENT, and prints its answer.
import { pathToFileURL } from "node:url";

const { handler } = await import(pathToFileURL(process.argv[2]).href);
process.stdout.write(JSON.stringify(await handler(JSON.parse(process.env.EVENT))), () => process.exit());
