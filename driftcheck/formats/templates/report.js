"use strict";
// Adds filters to a page that shows everything without it. Reads the page's own text, writes only counts.
(() => {
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const form = document.getElementById("filters");
  const items = all("#results [data-severity]").map((element) => ({
    element,
    kind: element.matches(".deployment") ? "deployment" : "finding",
    status: element.dataset.status,
    severity: element.dataset.severity,
    name: (element.dataset.name ?? element.querySelector("h3").textContent).toLowerCase(),
    text: null,
  }));

  const fits = (item, { name, text, status, severity }) => {
    if (name && !item.name.includes(name)) return false;
    if (severity.length && !severity.includes(item.severity)) return false;
    if (status.length && item.status && !status.includes(item.status)) return false;
    if (!text) return true;
    item.text ??= item.element.textContent.toLowerCase();
    return item.text.includes(text);
  };

  const wanted = () => {
    const data = new FormData(form);
    return {
      name: data.get("name").trim().toLowerCase(),
      text: data.get("text").trim().toLowerCase(),
      status: data.getAll("status"),
      severity: data.getAll("severity"),
    };
  };

  const count = (kind) => {
    const total = items.filter((item) => item.kind === kind);
    if (!total.length) return null;
    const shown = total.filter((item) => !item.element.hidden).length;
    const other = kind === "finding" && items.some((item) => item.kind === "deployment") ? "other " : "";
    const noun = other + (total.length === 1 ? kind : `${kind}s`);
    return `${shown.toLocaleString("en")} of ${total.length.toLocaleString("en")} ${noun}`;
  };

  const apply = () => {
    const filter = wanted();
    for (const item of items) {
      const hidden = !fits(item, filter);
      if (item.element.hidden !== hidden) item.element.hidden = hidden;
    }
    const counts = ["deployment", "finding"].map(count).filter(Boolean);
    document.getElementById("shown").textContent = `Showing ${counts.join(" and ")}`;
    const nothing = document.getElementById("nothing");
    if (nothing) nothing.hidden = items.some((item) => !item.element.hidden);
  };

  // The filters live in the address too, so that a view can be bookmarked and sent on.

  const remember = () => {
    const entries = [...new FormData(form)].filter(([, value]) => value.trim());
    const hash = new URLSearchParams(entries).toString();
    try {
      history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
    } catch {
      // Some browsers refuse this for a page opened as a file; the filters work all the same.
    }
  };

  const recall = () => {
    const hash = location.hash.slice(1);
    if (hash && !hash.includes("=")) return reveal(hash);
    const state = new URLSearchParams(hash);
    for (const field of form.elements) {
      if (field.type === "checkbox") field.checked = state.getAll(field.name).includes(field.value);
      else if (field.type === "search") field.value = state.get(field.name) ?? "";
    }
    apply();
  };

  const reveal = (id) => {
    const target = document.getElementById(id);
    if (!target?.matches("details.deployment")) return;
    target.hidden = false;
    target.open = true;
    const folded = target.parentElement.closest("details");
    if (folded) folded.open = true;
    target.scrollIntoView();
    target.querySelector("summary").focus();
  };

  const openAll = (open) => {
    for (const { element, kind } of items) {
      if (kind === "deployment" && !element.hidden) element.open = open;
    }
  };

  if (form) {
    form.hidden = false;
    form.addEventListener("input", () => { apply(); remember(); });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(() => { apply(); remember(); }));
    document.getElementById("open-all")?.addEventListener("click", () => openAll(true));
    document.getElementById("close-all")?.addEventListener("click", () => openAll(false));
    addEventListener("hashchange", recall);
    apply();
    recall();
  }

  // On paper nothing is folded.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    for (const element of folded) element.open = true;
  });
  addEventListener("afterprint", () => {
    for (const element of folded) element.open = false;
  });
})();
