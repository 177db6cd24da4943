// Small helpers around the DOM. Text only ever becomes a text node, never markup.

export const $ = (id) => document.getElementById(id);

/** An element with attributes and children. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  fill(node, ...children);
  return node;
}

/** Replace what an element holds. A child is a node or text; what is empty or false is left out. */
export function fill(node, ...children) {
  node.replaceChildren(...children.filter((child) => child != null && child !== "" && child !== false));
}
