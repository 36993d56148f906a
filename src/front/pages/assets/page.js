// Entry of the pages' script: hides a password that came in the address, then runs what this page needs.
import { runIndex } from "./index.js";
import { runLogin } from "./login.js";
import { runWaking } from "./waking.js";

const address = new URL(location.href);
if (address.searchParams.has("pass")) {
  address.searchParams.delete("pass");
  history.replaceState(history.state, "", address);
}

const runs = { index: runIndex, login: runLogin, waking: runWaking };
runs[document.body.dataset.page]?.(document.body);
