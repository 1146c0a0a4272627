// Labels a case without leaving its page, and moves between cases by keyboard. Every page works without it.
"use strict";

const typing = (element) => element instanceof HTMLElement && (element.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName));
const stored = (name) => { try { return localStorage.getItem(`slipgauge-${name}`); } catch { return null; } };
const store = (name, value) => { try { localStorage.setItem(`slipgauge-${name}`, value); } catch { /* no storage */ } };

const form = document.querySelector(".label-form");
const live = form?.querySelector("[data-live]");
const toggle = form?.querySelector("[data-keys]");

const say = (words, good) => {
  live.textContent = words;
  live.classList.toggle("problem", !good);
};

const label = async (button) => {
  const fields = new FormData(form);
  const said = { judged: button.value, by: fields.get("by"), note: fields.get("note"), analyzer: fields.get("analyzer") };
  say("Saving…", true);
  try {
    const response = await fetch(new URL(form.action).pathname, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept": "application/json", "X-Form-Token": fields.get("form_token") },
      body: JSON.stringify(said),
    });
    const told = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(told.error?.message ?? `the server answers ${response.status}`);
    for (const each of form.querySelectorAll("[name=judged]")) each.removeAttribute("aria-current");
    button.setAttribute("aria-current", "true");
    say(`Saved: ${button.value.replace("_", " ")}${said.analyzer ? ` of ${said.analyzer}` : ""}.`, true);
  } catch (error) {
    say(`Not saved: ${error.message}`, false);
  }
};

const keysOn = () => toggle?.getAttribute("aria-pressed") === "true";
const setKeys = (on) => {
  toggle.setAttribute("aria-pressed", String(on));
  toggle.textContent = on ? "Keys on" : "Keys off";
};

if (form) {
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button?.name !== "judged") return;
    event.preventDefault();
    label(button);
  });
  form.addEventListener("invalid", (event) => {
    if (event.target.name === "by") say("Not saved: write under Reviewer who you are; this browser remembers it.", false);
  }, true);
  setKeys(stored("keys") !== "off");
  toggle.addEventListener("click", () => {
    setKeys(!keysOn());
    store("keys", keysOn() ? "on" : "off");
  });
  for (const field of form.querySelectorAll("[data-keep]")) {
    field.value = stored(field.dataset.keep) ?? field.value;
    field.addEventListener("change", () => store(field.dataset.keep, field.value));
  }
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || (toggle && !keysOn())) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const key = event.key.toLowerCase();
  const to = { j: "next", k: "prev" }[key];
  const link = to && document.querySelector(`a[rel=${to}]`);
  if (link) {
    event.preventDefault();
    link.click();
    return;
  }
  const control = form?.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!control) return;
  event.preventDefault();
  if (control.tagName === "BUTTON") form.requestSubmit(control);
  else control.focus();
});
