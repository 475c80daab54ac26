import { quote } from '../../quote.ts';
import { corrupt, unsupported } from './error.ts';
import { LIMIT } from './layout.ts';

/** An element, its names without their prefixes. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

interface OpenElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: XmlElement[];
  text: string;
}

/**
 * Reads a document as far as descriptors need it: no document types, so no entities but those of XML itself, and bounds on
 * depth and number of elements. `offset` is where the document is, for errors.
 */
export function readXml(document: string, offset: number): XmlElement {
  return new XmlReader(document, offset).read();
}

const NAME = /[A-Za-z_][\w.:-]*/y;
const ATTRIBUTE = /\s+([A-Za-z_][\w.:-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y;
const TAG_END = /\s*(\/?)>/y;

class XmlReader {
  readonly #document: string;
  readonly #offset: number;
  readonly #open: OpenElement[] = [{ name: '', attributes: new Map(), children: [], text: '' }];
  #at = 0;
  #elements = 0;

  constructor(document: string, offset: number) {
    this.#document = document;
    this.#offset = offset;
  }

  read(): XmlElement {
    while (this.#at < this.#document.length) this.#readNext();
    const [root] = this.#open[0]?.children ?? [];
    if (this.#open.length !== 1 || root === undefined) throw this.#wrong('it ends within an element');
    return root;
  }

  #readNext(): void {
    const start = this.#document.indexOf('<', this.#at);
    const end = start === -1 ? this.#document.length : start;
    this.#addText(decodeEntities(this.#document.slice(this.#at, end), (state) => this.#wrong(state)));
    this.#at = end;
    if (start !== -1) this.#readMarkup();
  }

  #readMarkup(): void {
    const rest = this.#document.slice(this.#at, this.#at + 9);
    if (rest.startsWith('<!--')) this.#skipTo('-->', 4);
    else if (rest.startsWith('<?')) this.#skipTo('?>', 2);
    else if (rest === '<![CDATA[') this.#addText(this.#skipTo(']]>', 9));
    else if (rest.startsWith('<!'))
      throw unsupported('descriptor', 'it has a document type, expected none', this.#offset);
    else if (rest.startsWith('</')) this.#readEnd();
    else this.#readStart();
  }

  #readStart(): void {
    this.#at += 1;
    const name = this.#match(NAME)?.[0];
    if (name === undefined) throw this.#wrong('a tag has no name');
    const attributes = new Map<string, string>();
    for (let found = this.#match(ATTRIBUTE); found !== null; found = this.#match(ATTRIBUTE)) {
      const value = decodeEntities(found[2] ?? found[3] ?? '', (state) => this.#wrong(state));
      attributes.set(local(found[1] ?? ''), value);
    }
    const end = this.#match(TAG_END);
    if (end === null) throw this.#wrong(`tag ${quote(name)} does not end`);
    if (++this.#elements > LIMIT.elements || this.#open.length > LIMIT.elementDepth) {
      throw this.#wrong(
        `it has more than ${LIMIT.elements} elements, or more than ${LIMIT.elementDepth} within each other`,
      );
    }
    const element = { name, attributes, children: [], text: '' };
    if (end[1] === '/') this.#close(element);
    else this.#open.push(element);
  }

  #readEnd(): void {
    this.#at += 2;
    const name = this.#match(NAME)?.[0];
    const element = this.#open.length > 1 ? this.#open.pop() : undefined;
    if (element === undefined || element.name !== name || this.#match(TAG_END) === null) {
      throw this.#wrong(`element ${quote(element?.name ?? '')} ends as ${quote(name ?? '')}`);
    }
    this.#close(element);
  }

  #close(element: OpenElement): void {
    this.#open.at(-1)?.children.push({ ...element, name: local(element.name) });
  }

  #addText(text: string): void {
    const element = this.#open.at(-1);
    if (element !== undefined) element.text += text;
  }

  /** @returns what was skipped */
  #skipTo(end: string, from: number): string {
    const at = this.#document.indexOf(end, this.#at + from);
    if (at === -1) throw this.#wrong(`markup does not end, expected "${end}"`);
    const skipped = this.#document.slice(this.#at + from, at);
    this.#at = at + end.length;
    return skipped;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#document);
    if (found !== null) this.#at += found[0].length;
    return found;
  }

  #wrong(state: string) {
    return corrupt('descriptor', `at character ${this.#at}, ${state}`, this.#offset);
  }
}

function local(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
]);

function decodeEntities(text: string, wrong: (state: string) => Error): string {
  if (!text.includes('&')) return text;
  return text.replace(/&([^;&]{0,10});?/g, (_, name: string) => {
    const digits = /^#(x?)([0-9a-f]{1,6})$/i.exec(name);
    const code = digits === null ? Number.NaN : Number.parseInt(digits[2] ?? '', digits[1] === '' ? 10 : 16);
    const character = code <= 0x10ffff ? String.fromCodePoint(code) : ENTITIES.get(name);
    if (character === undefined) throw wrong(`entity ${quote(name)} is not known`);
    return character;
  });
}
