import { SaxesParser, type SaxesTagNS } from 'saxes';
import { XML_DEPTH_MAX } from '../limits.ts';

/** An element, with its name apart from the prefix. */
export interface XmlElement {
  name: string;
  namespace: string;
  /** By local name; of those with the same, the last. */
  attributes: Readonly<Record<string, string>>;
  children: XmlElement[];
  /** All text directly in it. */
  text: string;
}

class NotXml extends Error {}

/**
 * Well-formed XML with namespaces, of bounded depth, without a document type: so no entity is ever expanded.
 *
 * @returns undefined for anything else
 */
export function parseXml(text: string): XmlElement | undefined {
  const parser = new SaxesParser({ xmlns: true, position: false });
  const open: XmlElement[] = [];
  let root: XmlElement | undefined;
  parser.on('error', (error) => {
    throw new NotXml(error.message);
  });
  parser.on('doctype', () => {
    throw new NotXml('a document type');
  });
  parser.on('opentag', (tag: SaxesTagNS) => {
    const attributes = Object.values(tag.attributes).map(({ local, value }) => [local, value] as const);
    const element: XmlElement = {
      ...{ name: tag.local, namespace: tag.uri, attributes: Object.fromEntries(attributes) },
      ...{ children: [], text: '' },
    };
    if (open.length >= XML_DEPTH_MAX) throw new NotXml('too deep');
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  const addText = (found: string) => {
    const element = open.at(-1);
    if (element) element.text += found;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    open.pop();
  });
  try {
    parser.write(text).close();
  } catch (error) {
    if (error instanceof NotXml) return undefined;
    throw error;
  }
  return root;
}

export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name);
}

/** The first element of that name below, in the order of the text. */
export function descendant(element: XmlElement, name: string): XmlElement | undefined {
  return descendants(element, name)[0];
}

export function descendants(element: XmlElement, name: string): XmlElement[] {
  return element.children.flatMap((child) => [
    ...(child.name === name ? [child] : []),
    ...descendants(child, name),
  ]);
}

/** Text between tags or in quotes. Control characters, which XML 1.0 cannot say, are left out. */
export function escapeXml(text: string): string {
  const marks: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[^\P{C}\n\t]/gu, '').replace(/[&<>"]/g, (mark) => marks[mark] ?? '');
}
