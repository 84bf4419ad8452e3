// The commits of a session, the newest first.

import { fragment } from "./address.js";
import { ask } from "./ask.js";
import { bytes, count, counted, element, failure, name, shown } from "./text.js";

const PAGE = 100;

export async function showHistory(place, where, signal) {
  place.append(element("h2", { text: "History of the session" }));
  const first = await ask("history", { from: 0, count: PAGE }, signal);
  place.append(journal(first));
  if (first.all === 0) {
    const text = first.journal ? "The journal holds no commits: what was committed is folded into the archive." : "This file belongs to no session: it has no journal beside it.";
    place.append(element("p", { class: "empty", text }));
    return;
  }
  const body = element("tbody");
  const heads = [["commit", "numeric"], ["time (UTC)", ""], ["size", "numeric"], ["what it did", ""]];
  const head = element("tr", {}, ...heads.map(([text, kind]) => element("th", { scope: "col", class: kind, text })));
  place.append(element("div", { class: "table-frame tall" }, element("table", { class: "commits" }, element("thead", {}, head), body)));
  const more = element("button", { type: "button", class: "more", text: "Show more" });
  place.append(more);
  let from = 0;
  const add = (answer) => {
    for (const commit of answer.commits) body.append(row(commit));
    from += answer.commits.length;
    more.hidden = from >= answer.all;
  };
  add(first);
  more.addEventListener("click", async () => {
    try {
      add(await ask("history", { from, count: PAGE }, signal));
    } catch (error) {
      if (!signal.aborted) more.replaceWith(failure(error));
    }
  });
}

function journal({ journal: beside, all }) {
  const list = element("dl", { class: "figures" });
  const figure = (label, value) => list.append(element("div", {}, element("dt", { text: label }), element("dd", {}, shown(value))));
  if (!beside) return list;
  if (beside.session) figure("session", beside.session.slice(0, 16));
  if (beside.sequence !== null) figure("at commit", count(beside.sequence));
  if (beside.path) figure("journal", bytes(beside.length));
  figure("not folded", counted(beside.commits, "commit"));
  if (all) figure("in the log", counted(all, "commit"));
  if (beside.writer) figure("open for writing", beside.writer);
  for (const damage of beside.damage) list.append(failure(new Error(damage)));
  if (beside.unread) list.append(failure(new Error(`The journal was not read: ${beside.unread}`)));
  return list;
}

function row(commit) {
  const what = element("td", { class: "events" });
  commit.events.forEach((event, n) => {
    if (n) what.append(", ");
    what.append(...told(event));
  });
  if (commit.more) what.append(` and ${count(commit.more)} more`);
  if (!commit.counts) what.prepend(element("span", { class: "fact", text: "undone" }), " ");
  return element("tr", { class: commit.counts ? "" : "undone" },
    element("td", { class: "numeric", text: count(commit.sequence) }),
    element("td", { text: commit.time.replace("T", " ").replace("Z", "") }),
    element("td", { class: "numeric", text: commit.bytes ? bytes(commit.bytes) : "" }),
    what);
}

const link = (variable) => element("a", { href: fragment({ v: variable }) }, name(variable));

function told(event) {
  switch (event.event) {
    case "set": return ["set ", link(event.name), element("span", { class: "what", text: ` ${event.kind}` })];
    case "set_cell": return [`set cell ${event.cell}`];
    case "remove": return ["remove ", name(event.name)];
    case "rename": return ["rename ", name(event.old), " to ", link(event.new)];
    case "clear": return ["remove all"];
    case "mark": return [element("span", { class: "fact journal" }, "mark ", name(event.name))];
    case "undo": return [`undo to commit ${event.to}`];
    case "redo": return [`redo to commit ${event.to}`];
    case "restore": return [`restore commit ${event.to}`];
    case "message": return ["message ", name(event.key)];
    default: return ["something of a later version"];
  }
}
