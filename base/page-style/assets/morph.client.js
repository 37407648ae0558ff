// Makes one tree of elements equal to another and touches nothing that is equal already, so that what a person opened,
// focused or selected stays as it is, and a screen reader hears only what changed.

/** Two elements stand for the same thing when kind and name agree. */
function sameThing(one, other) {
  const name = (node) => node.id || node.dataset?.key || '';
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && name(one) === name(other);
}

function morphAttributes(now, next) {
  // Whether something is unfolded is the reader's choice, not the server's.
  const kept = now.nodeName === 'DETAILS' ? 'open' : null;
  for (const { name } of [...now.attributes]) {
    if (name !== kept && !next.hasAttribute(name)) now.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (name !== kept && now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
}

export function morph(now, next) {
  if (now.nodeType !== Node.ELEMENT_NODE) {
    if (now.nodeValue !== next.nodeValue) now.nodeValue = next.nodeValue;
    return;
  }
  morphAttributes(now, next);
  let at = now.firstChild;
  for (const wanted of [...next.childNodes]) {
    // An entry that moved (a new verdict came before it) is looked for further down before it is made anew.
    let found = at;
    while (found && !sameThing(found, wanted)) found = found.nextSibling;
    if (found) {
      if (found === at) at = at.nextSibling;
      else now.insertBefore(found, at);
      morph(found, wanted);
    } else {
      now.insertBefore(document.importNode(wanted, true), at);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}
