// The login page: one try at a time, and none before the time that the server asked for.

export function runLogin(body) {
  const form = document.querySelector("form.login");
  const button = form.querySelector("button");
  const label = button.textContent.trim();
  // No server saw it, and browsers take it along to where the answer leads.
  form.action = `${form.getAttribute("action")}${location.hash}`;
  const readyAt = performance.now() + Number(body.dataset.retrySeconds ?? 0) * 1000;

  function count() {
    const left = Math.ceil((readyAt - performance.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `Wait ${left} s` : label;
    if (left > 0) setTimeout(count, 250);
    else document.getElementById("problem").textContent = "You can try again now.";
  }
  if (body.dataset.retrySeconds !== undefined) count();

  form.addEventListener("submit", (event) => {
    if (button.disabled) return event.preventDefault();
    button.disabled = true;
    button.textContent = "Checking…";
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    button.disabled = false;
    button.textContent = label;
  });
}
