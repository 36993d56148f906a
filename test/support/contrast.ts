// Measures in a browser whether the text of a page can be read.
import type { Page } from "playwright-core";

/**
 * Every visible text with less than the 4.5:1 contrast that WCAG 2.2 asks for (1.4.3, level AA), as "ratio text".
 * Colours are read from the computed style; a text lies on the nearest background that is not transparent.
 */
export async function findFaintText(page: Page): Promise<string[]> {
  return page.evaluate(measure);
}

/* Runs in the page: the types of a browser are not part of this program, so it is text for the type checker. */
const measure = `(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = numbers(colour).slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backdrop = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((numbers(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const faint = [];
  for (const element of document.body.querySelectorAll("*")) {
    const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join(" ").trim();
    if (text === "" || !element.checkVisibility()) continue;
    const [one, other] = [light(getComputedStyle(element).color), light(backdrop(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < 4.5) faint.push(ratio.toFixed(2) + " " + text);
  }
  return faint;
})()`;
