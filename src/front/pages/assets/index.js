// The index page: keeps every row as the gateway says it is; wakes, and puts to sleep after asking.
import { describeRow } from "../describe-row.ts";
import { describeSummary } from "../describe-summary.ts";
import { createConnection, runChange } from "./connection.js";
import { createLiveViews } from "./live-views.js";
import {
  getPart,
  setCommand,
  setFacts,
  setHealth,
  setLog,
  setNotice,
  setProgress,
  setText,
} from "./parts.js";

export function runIndex(body) {
  const live = createLiveViews();
  const list = getPart(body, "rows");
  const rows = new Map([...list.children].map((row) => [row.dataset.workload, row]));
  const asked = new Map(); // workload → its state, and since when, as a change was asked for

  function show() {
    if (!live.isKnown()) return;
    const views = live.getViews();
    const names = new Set(views.map((view) => view.name));
    for (const [name, row] of rows) if (!names.has(name)) forget(name, row);
    views.forEach((view, index) => {
      const row = rows.get(view.name) ?? add(view);
      if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
      showRow(row, view);
    });
    list.hidden = views.length === 0;
    getPart(body, "empty").hidden = views.length > 0;
    setText(body, "summary", describeSummary(views));
  }

  function add({ name, state }) {
    const row = document.getElementById("row").content.firstElementChild.cloneNode(true);
    row.dataset.workload = name;
    row.dataset.state = state;
    for (const field of row.querySelectorAll('[name="workload"]')) field.value = name;
    rows.set(name, row);
    return row;
  }

  function forget(name, row) {
    rows.delete(name);
    asked.delete(name);
    row.remove();
  }

  function showRow(row, view) {
    const text = describeRow(view, live.now());
    row.dataset.mark = `${view.state} ${view.since}`;
    if (asked.get(view.name) !== row.dataset.mark) asked.delete(view.name);
    if (row.dataset.state !== view.state) announce(row, text);
    row.dataset.state = view.state;
    for (const part of ["name", "kind", "word", "span", "why", "phase"]) setText(row, part, text[part]);
    setFacts(row, text.facts);
    setNotice(row, text.notice, asked.has(view.name), (said) => {
      getPart(body, "announcement").textContent = `${text.name}: ${said}`;
    });
    setCommand(row, text.command);
    setProgress(row, text.progress);
    setLog(row, text.log);
    showActions(row, text, asked.has(view.name));
  }

  function showActions(row, text, busy) {
    const link = getPart(row, "link");
    link.hidden = text.link === null;
    if (text.link === null) link.removeAttribute("href");
    else link.href = text.link;
    const wake = getPart(row, "wake-button");
    const sleep = getPart(row, "sleep");
    getPart(row, "wake").hidden = text.wake === "";
    sleep.hidden = text.sleep === "";
    wake.disabled = sleep.disabled = busy;
    if (text.wake !== "") wake.textContent = text.wake;
    wake.ariaLabel = `${text.wake} ${text.name}`;
    sleep.ariaLabel = `Sleep ${text.name}`;
    link.ariaLabel = `Open ${text.name}`;
    getPart(row, "progress").ariaLabel = `Progress of ${text.name}`;
    getPart(row, "log").ariaLabel = `Log of ${text.name}`;
  }

  function announce(row, text) {
    getPart(body, "announcement").textContent = `${text.name}: ${text.word}`;
    setText(row, "problem", "");
  }

  async function change(row, what) {
    const name = row.dataset.workload;
    asked.set(name, row.dataset.mark);
    setText(row, "problem", "");
    show();
    const problem = await runChange(what, name);
    if (problem !== "" || what === "awake") asked.delete(name);
    setText(row, "problem", problem);
    show();
  }

  list.addEventListener("submit", (event) => {
    event.preventDefault();
    void change(event.target.closest("li"), event.target.dataset.part === "notice" ? "awake" : "wake");
  });
  list.addEventListener("click", async (event) => {
    const row = event.target.closest('[data-part="sleep"]')?.closest("li");
    if (row && (await confirmSleep(getPart(row, "name").textContent))) void change(row, "sleep");
  });

  createConnection({
    rests: true,
    onHealth: setHealth,
    onSnapshot(snapshot) {
      live.set(snapshot);
      show();
    },
  });
  setInterval(() => document.hidden || show(), 1000);
}

function confirmSleep(name) {
  const dialog = document.getElementById("confirm");
  getPart(dialog, "question").textContent = `Put ${name} to sleep?`;
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "sleep"), { once: true });
  });
}
