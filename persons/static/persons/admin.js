// A box that checks all others, and a field whose text is selected at a touch.
document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-checks]")) return;
  for (const box of target.form.querySelectorAll(`input[name="${target.dataset.checks}"]`)) box.checked = target.checked;
});
document.addEventListener("focusin", ({ target }) => target.matches("[data-select]") && target.select());
