"use strict";
for (const section of document.querySelectorAll(".sentences")) {
  const form = section.querySelector("form");
  const items = [...section.querySelectorAll("ol.worst > li")];
  const folded = section.querySelector("details");
  form.hidden = false;
  form.addEventListener("change", () => {
    const kind = form.elements.kind.value;
    const type = form.elements.type.value;
    let shown = 0;
    for (const item of items) {
      const errors = item.dataset.errors.split(" ").map((error) => error.split(":"));
      const hit = errors.some(([k, t]) => (!kind || k === kind) && (!type || t === type));
      item.hidden = !hit;
      shown += hit;
    }
    const filtered = Boolean(kind || type);
    if (folded) folded.open = filtered;
    form.querySelector("output").textContent =
      filtered ? form.dataset.shown.replace("{n}", shown) : "";
  });
}
const closed = document.querySelectorAll("details.split:not([open])");
window.addEventListener("beforeprint", () => closed.forEach((split) => { split.open = true; }));
window.addEventListener("afterprint", () => closed.forEach((split) => { split.open = false; }));
