"""What a page must have for whoever reads it by ear or by keyboard, checked on the page as the browser has it.

After WCAG 2.2 (https://www.w3.org/TR/WCAG22/): 1.1.1, 1.3.1, 1.4.3, 1.4.10, 2.4.1, 2.4.2, 2.4.6, 3.1.1, 4.1.2.
"""

from __future__ import annotations

# ruff: noqa: E501 - scripts of another language

STRUCTURE = r"""
(() => {
  const found = [];
  const seen = (e) => { const r = e.getClientRects(); return r.length && getComputedStyle(e).visibility !== "hidden"; };
  const name = (e) => (e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.textContent || e.title || "").trim();
  if (!document.documentElement.lang) found.push("no language");
  if (!document.title) found.push("no title");
  for (const [what, many] of [["main", 1], ["body > header", 1], ["body > footer", 1], ["h1", 1]])
    if (document.querySelectorAll(what).length !== many) found.push(`${document.querySelectorAll(what).length} ${what}`);
  let level = 0;
  for (const h of document.querySelectorAll("h1, h2, h3, h4")) {
    const n = Number(h.tagName[1]);
    if (n > level + 1) found.push(`heading ${h.textContent} skips from ${level} to ${n}`);
    if (!h.textContent.trim()) found.push("empty heading");
    level = n;
  }
  for (const e of document.querySelectorAll("a[href], button, input:not([type=hidden]), select"))
    if (!name(e)) found.push(`no name: ${e.outerHTML.slice(0, 80)}`);
  for (const e of document.querySelectorAll("nav"))
    if (!e.getAttribute("aria-label")) found.push("nav without a name");
  for (const t of document.querySelectorAll("table")) {
    if (!t.caption?.textContent.trim()) found.push("table without a caption");
    if (!t.querySelector("thead th[scope=col]")) found.push("table without column headings");
    for (const row of t.querySelectorAll("tbody tr")) if (!row.querySelector("th[scope=row]")) found.push("row without a heading");
    for (const e of t.querySelectorAll("tr, th, td, thead, tbody")) if (!e.getAttribute("role")) found.push(`${e.tagName} without a role`);
  }
  for (const s of document.querySelectorAll("svg"))
    if (s.getAttribute("aria-hidden") !== "true" && !(s.getAttribute("role") === "img" && s.getAttribute("aria-label"))) found.push("svg without a name");
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size !== ids.length) found.push("an id twice");
  return found;
})()
"""

CONTRAST = r"""
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const ground = (e) => {
    const layers = [];
    for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); layers.push(c); if (c[3] === 1) break; }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    const svg = e.tagName === "text";
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || !e.getClientRects().length) continue;
    if (e.closest(".hidden, .skip, thead") && e.getClientRects()[0].width <= 1) continue;
    const style = getComputedStyle(e), under = ground(e), ink = over(rgba(svg ? style.fill : style.color), under);
    const [a, b] = [light(ink), light(under)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${e.tagName}.${e.className.baseVal ?? e.className} "${e.textContent.trim().slice(0, 30)}"`);
  }
  return found;
})()
"""

SIDEWAYS = r"""
(() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > wide + 0.5)
    .map((e) => `${e.tagName}.${e.className.baseVal ?? e.className} ${Math.round(e.getBoundingClientRect().right)}`);
})()
"""

FOCUS = r"""
(() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const style = getComputedStyle(e);
  return { what: (e.getAttribute("aria-label") || e.name || e.textContent || "").trim(),
    shown: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
})()
"""
