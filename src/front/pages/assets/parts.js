// Changes the parts of a page in place; every word that comes from outside becomes a text node.

/** The element marked `data-part="name"` below `root`. */
export function getPart(root, name) {
  return root.querySelector(`[data-part="${name}"]`);
}

/** Sets the text of a part and hides it when empty. An unchanged text is left alone, so that it is not read out again. */
export function setText(root, name, text) {
  const part = getPart(root, name);
  replaceText(part, text);
  part.hidden = text === "";
}

function replaceText(part, text) {
  if (part.textContent !== text) part.textContent = text;
}

/** Sets the command in its line, and hides the line when there is none. */
export function setCommand(root, command) {
  getPart(root, "command").textContent = command;
  getPart(root, "command-line").hidden = command === "";
}

/** `progress`: 0 to 1, null for unknown, "none" to hide. */
export function setProgress(root, progress) {
  const bar = getPart(root, "progress");
  bar.hidden = progress === "none";
  if (typeof progress === "number") bar.value = progress;
  else bar.removeAttribute("value");
}

/** Sets the log and keeps its end in sight, unless somebody scrolled up to read. */
export function setLog(root, log) {
  getPart(root, "log-figure").hidden = log === "";
  const pre = getPart(root, "log");
  if (pre.textContent === log) return;
  const atEnd = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 8;
  pre.textContent = log;
  if (atEnd) pre.scrollTop = pre.scrollHeight;
}

/** How it is used and saved. */
export function setFacts(root, facts) {
  for (const part of ["rule", "use", "saved", "unsaved"]) setText(root, part, facts[part]);
  replaceText(getPart(root, "aside-summary"), facts.asideSummary);
  getPart(root, "aside-figure").hidden = facts.asideSummary === "";
  const list = getPart(root, "aside");
  if (facts.aside.join("\n") === [...list.children].map((item) => item.textContent).join("\n")) return;
  list.replaceChildren(
    ...facts.aside.map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }),
  );
}

/** That it is about to sleep, with a button against it. Its countdown is not read out; `say` is told once instead. */
export function setNotice(root, notice, busy, say) {
  const form = getPart(root, "notice");
  if (form.hidden && notice.text !== "") say(notice.said);
  form.hidden = notice.text === "";
  replaceText(getPart(root, "notice-text"), notice.text);
  const keep = getPart(root, "keep");
  keep.hidden = notice.keep === "";
  keep.disabled = busy;
  replaceText(keep, notice.keep);
}

/** Tells what became of the connection to the gateway. */
export function setHealth(health) {
  const banner = getPart(document, "banner");
  if (health === "ended" && banner.dataset.health !== "ended") {
    const again = document.createElement("a");
    again.href = location.pathname + location.search;
    again.textContent = "Log in again";
    banner.replaceChildren("This browser is no longer logged in. ", again);
  } else if (health === "lost" && banner.dataset.health !== "lost") {
    banner.textContent = "Connection to the gateway lost. Trying again…";
  }
  banner.dataset.health = health;
  banner.hidden = health === "live";
  document.body.classList.toggle("stale", health !== "live");
}
