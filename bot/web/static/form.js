// Shows the questions that the other answers make needed, marks what is required, saves the draft while people type, and
// keeps what was typed when the language is switched.
// The page works without it: the same is done by its buttons, and all is checked when the form is sent.
"use strict";

(() => {
  const PAUSE = 1500;
  const PRIVATE = /PRIVATE KEY|PUTTY-USER-KEY-FILE|PRIVATE-LINES/i;
  const form = document.getElementById("form");
  const said = document.getElementById("saved");
  const parsed = (name) => [...form.querySelectorAll(`[data-${name}]`)].map((element) => ({
    element,
    rule: JSON.parse(element.dataset[name]),
  }));
  const wrappers = parsed("rule");
  const conditional = parsed("when");

  const answersShown = () => {
    const answers = new FormData(form);
    for (const hidden of form.querySelectorAll("[data-field][hidden]")) answers.delete(hidden.dataset.field);
    return answers;
  };

  const holds = (answers) => (condition) =>
    Object.entries(condition).every(([name, value]) => answers.getAll(name).includes(value));

  const showAsked = () => {
    // A question that appears may be what another one depends on: again until nothing changes.
    for (let round = 0; round <= conditional.length; round += 1) {
      let changed = false;
      for (const { element, rule } of conditional) {
        const answers = answersShown();
        const asked = Object.entries(rule).every(([name, wanted]) => wanted.includes(answers.get(name) ?? ""));
        changed ||= element.hidden === asked;
        element.hidden = !asked;
      }
      if (!changed) break;
    }
  };

  const markRequired = () => {
    const answers = new FormData(form);
    for (const { element, rule } of wrappers) {
      const required = (rule.always || rule.on.some(holds(answers))) && !rule.off.some(holds(answers));
      element.querySelector(".mark-required").hidden = !required;
      element.classList.toggle("at-rest", !required && rule.on.length > 0);
      for (const control of element.querySelectorAll("input[type=text], input[type=date], input[type=email], input[type=tel], select, textarea")) {
        if (required) control.setAttribute("aria-required", "true");
        else control.removeAttribute("aria-required");
      }
    }
  };

  const changed = new Set();
  let timer = 0;
  let saving = null;

  const showDoubts = (doubts) => {
    for (const line of form.querySelectorAll(".doubt")) {
      const text = doubts[line.id.replace(/-doubt$/, "")];
      const isWrong = line.closest(".field").querySelector(".error");
      line.querySelector("span").textContent = text ?? "";
      line.hidden = !text || Boolean(isWrong);
    }
  };

  const save = async () => {
    window.clearTimeout(timer);
    if (changed.size === 0 || saving) return;
    const names = [...changed];
    changed.clear();
    const body = new FormData();
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string" && !PRIVATE.test(value)) body.append(name, value);
    }
    body.set("page.do", "autosave");
    for (const name of names) body.append("page.changed", name);
    try {
      saving = fetch(form.action, { method: "POST", body, keepalive: true });
      const answer = await saving;
      if (answer.status === 413) {
        said.textContent = form.dataset.tooLong;
      } else {
        const read = await answer.json();
        said.textContent = read.text;
        if (answer.ok) {
          form.elements["page.draft"].value = read.draft;
          showDoubts(read.doubts);
        } else {
          for (const name of names) changed.add(name);
        }
      }
    } catch {
      said.textContent = form.dataset.notSaved;
      for (const name of names) changed.add(name);
    } finally {
      saving = null;
      if (changed.size > 0) timer = window.setTimeout(save, PAUSE * 4);
    }
  };

  const typed = (event) => {
    showAsked();
    markRequired();
    if (!event.target.name || event.target.type === "file") return;
    changed.add(event.target.name);
    window.clearTimeout(timer);
    timer = window.setTimeout(save, PAUSE);
  };

  const readKey = async (event) => {
    // The file is read here: a private key never leaves the computer.
    const chosen = event.target.files[0];
    const line = document.getElementById(`${event.target.id}-said`);
    line.textContent = "";
    if (!chosen || chosen.size > 16384) return;
    const text = (await chosen.text()).trim();
    if (PRIVATE.test(text.replaceAll("\0", ""))) {
      event.target.value = "";
      line.textContent = form.dataset.privateKey;
    } else if (/^ssh-/.test(text)) {
      const field = document.getElementById(event.target.dataset.fills);
      event.target.value = "";
      field.value = text;
      line.textContent = form.dataset.keyTaken;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  };

  const switchLanguage = (event) => {
    const language = event.currentTarget.hreflang;
    event.preventDefault();
    const asked = document.createElement("input");
    asked.type = "hidden";
    asked.name = "show_in";
    asked.value = language;
    form.append(asked);
    form.action = `?lang=${language}`;
    form.submit();
  };

  form.addEventListener("input", typed);
  for (const chooser of form.querySelectorAll("input[type=file]")) chooser.addEventListener("change", readKey);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && save());
  showAsked();
  markRequired();
  for (const link of document.querySelectorAll(".languages a")) link.addEventListener("click", switchLanguage);
  document.getElementById("errors")?.focus();
})();
