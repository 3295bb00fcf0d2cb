// What runs inside the page: each function is sent there as its text, so it uses nothing that stands outside of it.

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly width: number;
  readonly height: number;
}
interface Element {
  readonly tagName: string;
  readonly className: string;
  readonly textContent: string;
  readonly parentElement: Element | null;
  readonly childNodes: Iterable<{ readonly nodeType: number; readonly textContent: string }>;
  readonly clientWidth: number;
  readonly scrollWidth: number;
  open?: boolean;
  checkVisibility(): boolean;
  getBoundingClientRect(): Box;
  closest(selector: string): Element | null;
}
declare const document: {
  readonly documentElement: Element;
  querySelectorAll(selector: string): Iterable<Element>;
};
declare function getComputedStyle(element: Element): {
  readonly color: string;
  readonly backgroundColor: string;
  readonly fontSize: string;
};

/** Opens all that can be opened. */
export function openAll(): number {
  const all = [...document.querySelectorAll("details")];
  for (const each of all) each.open = true;
  return all.length;
}

/** What is wider than the screen: the page as a whole, and elements or their text outside of boxes that scroll by themselves. */
export function overflow(): { screen: number; page: number; elements: string[] } {
  const { clientWidth: screen, scrollWidth: page } = document.documentElement;
  const elements = [...document.querySelectorAll("body *")]
    .filter((e) => !e.closest(".wide"))
    .filter(
      (e) =>
        e.getBoundingClientRect().right > screen + 0.5 ||
        // inline elements have no width of their own
        (e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1),
    )
    .map((e) => `${e.tagName} ${e.textContent.slice(0, 60)}`);
  return { screen, page, elements };
}

/** A piece of text as it is shown. */
export interface Text {
  readonly text: string;
  /** Ratio of WCAG 2, from 1 to 21. */
  readonly contrast: number;
  /** CSS pixels. */
  readonly size: number;
}

/** Every piece of text with its contrast to the first opaque ground behind it. */
export function texts(): Text[] {
  const parts = (color: string) => color.match(/[\d.]+/g)!.map(Number);
  const luminance = (color: string) => {
    const [r, g, b] = parts(color).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const ground = (element: Element | null): string => {
    if (!element) return "rgb(255, 255, 255)";
    const { backgroundColor } = getComputedStyle(element);
    return parts(backgroundColor)[3] === 0 ? ground(element.parentElement) : backgroundColor;
  };
  return [...document.querySelectorAll("body *")].flatMap((element) => {
    const text = [...element.childNodes]
      .filter((node) => node.nodeType === 3)
      .map((node) => node.textContent.trim())
      .join(" ");
    if (text.trim() === "" || !element.checkVisibility()) return [];
    const { color, fontSize } = getComputedStyle(element);
    const [light, dark] = [luminance(color), luminance(ground(element))].sort((a, b) => b - a);
    const contrast = (light! + 0.05) / (dark! + 0.05);
    return [{ text: text.slice(0, 60), contrast, size: Number.parseFloat(fontSize) }];
  });
}

/** Where things stand on the screen, in CSS pixels. */
export function places(): Record<"verdict" | "firstSection" | "closed", Box> {
  const box = (selector: string) => [...document.querySelectorAll(selector)][0]!;
  const { verdict, firstSection, closed } = {
    verdict: box("h1"),
    firstSection: box("h2"),
    closed: box("details:not([open]) > summary"),
  };
  const of = (element: Element) => {
    const { left, right, top, bottom, width, height } = element.getBoundingClientRect();
    return { left, right, top, bottom, width, height };
  };
  return { verdict: of(verdict), firstSection: of(firstSection), closed: of(closed) };
}

/** Ground of the page. */
export function paper(): string {
  return getComputedStyle([...document.querySelectorAll("body")][0]!).backgroundColor;
}
