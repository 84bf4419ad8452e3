// Addresses of places on the page: what follows the #.

/** The address of a place: `v` names the variable, `p` leads into its value, `page` is another page. */
export function fragment(parts) {
  const given = Object.entries(parts).filter(([, value]) => value !== undefined && value !== "");
  return `#${given.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&")}`;
}

/** What the present address says. */
export function parts() {
  const found = {};
  for (const part of location.hash.slice(1).split("&")) {
    const at = part.indexOf("=");
    if (at < 0) continue;
    try {
      found[part.slice(0, at)] = decodeURIComponent(part.slice(at + 1));
    } catch {
      // Not an address of this page.
    }
  }
  return found;
}
