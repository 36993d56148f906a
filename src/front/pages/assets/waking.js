// The waking page: shows each step as it happens, wakes on request, and moves on when the workload is awake.
import { describeTaken } from "../duration-text.ts";
import { describeWaking } from "../describe-waking.ts";
import { findOpenLink } from "../open-link.ts";
import { createConnection, runChange } from "./connection.js";
import { createLiveViews } from "./live-views.js";
import { moveTo } from "./moves.js";
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

const mostSteps = 6;

export function runWaking(body) {
  const { workload, project } = body.dataset;
  const atGateway = body.dataset.atGateway !== undefined;
  const live = createLiveViews();
  const steps = createSteps(getPart(body, "steps"));
  const button = getPart(body, "button");
  let follows = body.dataset.follows !== undefined;
  let moved = false;
  let asked = "";
  let keeping = false;
  let mark = "";

  function show() {
    const view = live.getViews().find((one) => one.name === workload);
    if (view === undefined) return;
    mark = `${view.state} ${view.since}`;
    if (asked !== mark) asked = "";
    const text = describeWaking(view, live.now());
    body.dataset.state = view.state;
    if (view.state === "waking") follows = true;
    document.title = `${text.headline} · ${project}`;
    setText(body, "headline", text.headline);
    setText(body, "lead", text.lead);
    setText(body, "phase", text.phase);
    setText(body, "timing", text.timing);
    setFacts(body, text.facts);
    setNotice(body, text.notice, keeping, (said) => setText(body, "announcement", said));
    setCommand(body, text.command);
    setProgress(body, text.progress);
    setLog(body, text.log);
    steps.show(view.state, text.phase);
    showSun(body, view.state, text.progress);
    showButton(text.button);
    showOpen(view);
  }

  function showButton(label) {
    getPart(body, "wake").hidden = label === "";
    button.disabled = asked !== "";
    button.textContent = asked === "" ? label : "Waking…";
  }

  function showOpen(view) {
    const target = atGateway ? findOpenLink(view) : body.dataset.next;
    const awake = view.state === "awake" && target !== null;
    getPart(body, "open").hidden = !awake;
    if (!awake) return;
    getPart(body, "link").href = target;
    if (!follows || moved) return;
    moved = true;
    if (!moveTo(target))
      setText(body, "problem", "It is awake, but its address keeps leading back to this page.");
  }

  getPart(body, "wake").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (asked !== "") return;
    asked = mark;
    follows = true;
    setText(body, "problem", "");
    show();
    const problem = await runChange("wake", workload);
    if (problem !== "") asked = "";
    setText(body, "problem", problem);
    show();
  });

  getPart(body, "notice").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (keeping) return;
    keeping = true;
    show();
    setText(body, "problem", await runChange("awake", workload));
    keeping = false;
    show();
  });

  createConnection({
    query: atGateway ? `?workload=${encodeURIComponent(workload)}` : "",
    rests: false,
    onHealth: setHealth,
    onSnapshot(snapshot) {
      live.set(snapshot);
      show();
    },
  });
  setInterval(show, 1000);
}

/** Lists the phases that this page saw end, with the time each took. */
function createSteps(list) {
  let current = null;
  return {
    show(state, phase) {
      if (state === "waking" && current === null) list.replaceChildren();
      const now = performance.now();
      if (current !== null && phase !== current.phase) list.append(buildStep(current, now));
      if (list.children.length > mostSteps) list.firstElementChild.remove();
      if (state !== "waking" || phase === "") current = null;
      else if (phase !== current?.phase) current = { phase, startedAt: now, seen: current !== null };
      list.hidden = list.children.length === 0;
    },
  };
}

function buildStep({ phase, startedAt, seen }, now) {
  const step = document.createElement("li");
  const name = document.createElement("span");
  name.textContent = phase;
  step.append(name);
  if (seen) {
    const took = document.createElement("span");
    took.className = "took";
    took.textContent = describeTaken(now - startedAt);
    step.append(" ", took);
  }
  return step;
}

const horizon = 72;

function showSun(body, state, progress) {
  const height = state === "awake" ? 1 : typeof progress === "number" ? progress : 0;
  const cy = String(Math.round((horizon - height * 34) * 10) / 10);
  for (const name of ["sun", "glow"]) getPart(body, name).setAttribute("cy", cy);
}
