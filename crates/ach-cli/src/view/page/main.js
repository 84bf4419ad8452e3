// The page: what the address after # means, the search, and whether the file is still what is shown.

import { fragment, parts } from "./address.js";
import { ask } from "./ask.js";
import { showFile } from "./file.js";
import { showHistory } from "./history.js";
import { showLayout } from "./layout.js";
import { brief, bytes, counted, element, failure, plain } from "./text.js";
import { Tree } from "./tree.js";
import { showVariable } from "./variable.js";

const LOOK_EVERY = 2000;

const find = (id) => document.getElementById(id);
const main = find("main");
const search = find("search");
const tree = new Tree(find("tree"), (variable) => {
  go({ v: variable });
  openMenu(false);
});
let epoch = null;
let leave = () => {};

function go(to) {
  location.hash = fragment(to);
}

async function route() {
  const where = parts();
  leave();
  const page = where.v !== undefined ? "variable" : where.page ?? "";
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.page === page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  tree.select(where.v ?? null);
  const place = element("div", { class: `page page-${page}` });
  const controller = new AbortController();
  leave = () => controller.abort();
  main.replaceChildren(place);
  main.scrollTop = 0;
  document.title = where.v !== undefined ? `${brief(where.v, 60)} - ach view` : `${plain(find("file").textContent)} - ach view`;
  const shows = { variable: showVariable, layout: showLayout, history: showHistory };
  try {
    await (shows[page] ?? showFile)(place, where, controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) place.replaceChildren(failure(error));
  }
}

async function overview() {
  const file = await ask("overview");
  find("file").textContent = plain(file.file);
  find("file").title = plain(file.path);
  find("figures").textContent = `${counted(file.variables, "variable")}, ${bytes(file.file_bytes)}`;
}

async function begin() {
  try {
    const state = await ask("state");
    epoch = state.epoch;
    await overview();
    await tree.show("");
    if (!location.hash) {
      const first = tree.first();
      history.replaceState(null, "", first === undefined ? fragment({ page: "file" }) : fragment({ v: first }));
    }
    await route();
  } catch (error) {
    main.replaceChildren(failure(error));
  }
}

function notice(text, action) {
  const place = find("notice");
  if (!text) {
    place.hidden = true;
    place.dataset.text = "";
    return;
  }
  if (place.dataset.text === text) return;
  place.dataset.text = text;
  place.hidden = false;
  const reload = action ? element("button", { type: "button", text: "Reload", on: { click: action } }) : null;
  place.replaceChildren(element("span", { text }), ...(reload ? [reload] : []));
}

async function reload() {
  try {
    await ask("reload");
    notice("");
    await look();
  } catch (error) {
    notice(`The file cannot be opened anew, and what was shown stays: ${plain(error.message)}`, reload);
  }
}

async function look() {
  let state;
  try {
    state = await ask("state");
  } catch (error) {
    notice(plain(error.message));
    return;
  }
  if (state.epoch !== epoch) {
    epoch = state.epoch;
    await overview();
    await tree.show(search.value.trim());
    await route();
  }
  if (state.file === "changed") {
    notice("The file has changed; what is shown is how it was.", reload);
  } else if (state.file === "gone") {
    notice("The file is gone; what is shown is how it was.");
  } else {
    notice("");
  }
}

function openMenu(open) {
  document.body.classList.toggle("menu-open", open);
  find("menu").setAttribute("aria-expanded", String(open));
}

let typing = 0;
search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => tree.show(search.value.trim()), 150);
});
search.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") {
    event.preventDefault();
    tree.focus();
  } else if (event.key === "Enter") {
    const first = tree.first();
    if (first !== undefined) go({ v: first });
  } else if (event.key === "Escape") {
    search.value = "";
    tree.show("");
  }
});
document.addEventListener("keydown", (event) => {
  const typed = event.target.matches?.("input, select, textarea");
  if (event.key === "/" && !typed && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    openMenu(true);
    search.focus();
    search.select();
  }
});
find("menu").addEventListener("click", () => openMenu(!document.body.classList.contains("menu-open")));
find("main").addEventListener("click", () => openMenu(false));
document.querySelector("nav").addEventListener("click", () => openMenu(false));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener("hashchange", route);
setInterval(() => {
  if (!document.hidden) look();
}, LOOK_EVERY);
begin();
