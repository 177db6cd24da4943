// Small helpers for the DOM. Strings only ever become text nodes, never markup.

export const $ = (id) => document.getElementById(id);

/** Creates an element with attributes and children. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  fill(node, ...children);
  return node;
}

/** Replaces an element's children. Each is a node or a string; null, false and the empty string are skipped. */
export function fill(node, ...children) {
  node.replaceChildren(...children.filter((child) => child != null && child !== "" && child !== false));
}
