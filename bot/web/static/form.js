// Marks what is required as other answers change, and keeps what was typed when the language is switched.
// The page works without it: what is required is checked when the form is sent.
"use strict";

(() => {
  const form = document.getElementById("form");
  const wrappers = [...form.querySelectorAll("[data-rule]")].map((element) => ({
    element,
    rule: JSON.parse(element.dataset.rule),
  }));

  const holds = (answers) => (condition) =>
    Object.entries(condition).every(([name, value]) => answers.getAll(name).includes(value));

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

  form.addEventListener("input", markRequired);
  markRequired();
  for (const link of document.querySelectorAll(".languages a")) link.addEventListener("click", switchLanguage);
  document.getElementById("errors")?.focus();
})();
