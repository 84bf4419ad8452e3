// What the file says about itself.

import { ask } from "./ask.js";
import { bytes, count, element, name, shown } from "./text.js";

export async function showFile(place, where, signal) {
  const file = await ask("overview", {}, signal);
  place.append(element("h2", {}, shown(file.file)));
  if (file.description) place.append(element("p", { class: "description" }, shown(file.description, { lines: true })));
  const list = element("dl", { class: "wide" });
  const line = (label, value) => list.append(element("dt", { text: label }), element("dd", {}, value instanceof Node ? value : shown(String(value))));
  line("path", file.path);
  line("format", `${file.format}${file.sealed ? ", sealed" : ""}${file.is_placed ? "" : " (shown as upgraded from version 1)"}`);
  line("written by", `achronyme-env ${file.written_by}`);
  line("created", file.created);
  if (file.tags.length) {
    const tags = element("span");
    for (const tag of file.tags) tags.append(element("span", { class: "fact" }, shown(tag)), " ");
    line("tags", tags);
  }
  const kinds = Object.entries(file.kinds).map(([kind, number]) => `${count(number)} ${kind.replace("_", " ")}`);
  line("variables", `${count(file.variables)}${kinds.length ? ` (${kinds.join(", ")})` : ""}`);
  line("file", `${bytes(file.file_bytes)} (${count(file.file_bytes)} bytes)`);
  line("arrays", `${bytes(file.array_bytes)} in memory; stored hot ${bytes(file.hot_bytes)}, cold ${bytes(file.cold_bytes)}`);
  line("root digest", file.root_digest);
  place.append(list);
  if (file.metadata.length) {
    place.append(element("h3", { text: "Metadata" }));
    const custom = element("dl", { class: "wide" });
    for (const [key, value] of file.metadata) {
      custom.append(element("dt", {}, name(key)), element("dd", { class: "said" }, shown(value, { lines: true })));
    }
    if (file.metadata_left_out) custom.append(element("dt", { text: "..." }), element("dd", { text: `${count(file.metadata_left_out)} more` }));
    place.append(custom);
  }
}
