// A box that checks all others, a field whose text is selected at a touch, and a button that copies it.
document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-checks]")) return;
  for (const box of target.form.querySelectorAll(`input[name="${target.dataset.checks}"]`)) box.checked = target.checked;
});
document.addEventListener("focusin", ({ target }) => target.matches("[data-select]") && target.select());
document.addEventListener("click", async ({ target }) => {
  const field = target.matches("[data-copies]") && document.getElementById(target.dataset.copies);
  if (!field) return;
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    target.textContent = "Copied";
  } catch {
    // Browsers refuse where the page came over plain HTTP: it is selected, for Ctrl-C.
    target.textContent = "Selected: press Ctrl-C";
  }
});
