"""The parts of every page: one look, in light and dark, on a phone and on paper."""

import base64
import html

STYLE = """
:root{color-scheme:light dark;--ink:#1d2430;--soft:#5a6372;--paper:#fff;--card:#f4f6f8;--line:#d9dee5;
--c0:#1f5fbf;--c1:#c4551c;--c2:#2c7d4f;--c3:#8a3d97;--c4:#a87900;--c5:#0e7f8f;--c6:#b3315f;--c7:#6b6b6b}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#a0a9b8;--paper:#14171c;--card:#1e232b;
--line:#39414d;--c0:#77acf5;--c1:#f0935c;--c2:#6cc492;--c3:#cf8fdb;--c4:#e0b84a;--c5:#5cc3d2;--c6:#f086a8;--c7:#adadad}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;max-width:1000px;margin:0 auto;padding:1em;overflow-wrap:anywhere;
color:var(--ink);background:var(--paper)}
h1{font-size:1.5em;line-height:1.25;margin:.4em 0}
h2{font-size:1.2em;margin:2em 0 .5em}
h3{font-size:1em;margin:1.4em 0 .2em}
p{margin:.4em 0}
.soft,figcaption{color:var(--soft)}
figcaption{font-size:14px}
.result{font-size:2.6em;font-weight:650;line-height:1.2;margin:.2em 0}
.path{font:13px ui-monospace,monospace;overflow-wrap:anywhere}
.wide{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:15px;overflow-wrap:normal}
td,th{padding:.25em .9em .25em 0;text-align:left;vertical-align:top}
tr+tr{border-top:1px solid var(--line)}
td.n,th.n{text-align:right;white-space:nowrap}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));gap:1em}
figure{margin:0;break-inside:avoid}
img{max-width:100%;height:auto;display:block;border-radius:4px}
svg{display:block;max-width:100%;height:auto}
.wide svg{max-width:none}
svg text{font:11px system-ui,sans-serif;fill:var(--soft)}
svg .axis{stroke:var(--line);fill:none}
svg text.ink{fill:var(--ink)}
.key{display:inline-block;width:1.1em;height:.25em;margin-right:.4em;vertical-align:middle}
.bar{position:relative;display:block;height:.8em;min-width:90px;background:var(--card);margin-top:.4em}
.bar i{position:absolute;left:0;top:0;bottom:0;background:var(--c0)}
.bar b{position:absolute;top:45%;height:2px;background:var(--ink)}
.bar u{position:absolute;top:-.25em;bottom:-.25em;width:2px;background:var(--c1)}
details{border:1px solid var(--line);border-radius:6px;padding:.4em .8em;margin:.5em 0}
summary,a{cursor:pointer;color:var(--c0)}
pre{white-space:pre-wrap;background:var(--card);padding:.6em;border-radius:6px;font-size:13px}
@media print{body{max-width:none;font-size:12px}h2{break-after:avoid}.bar i,rect{print-color-adjust:exact}}
"""


def page(title, parts) -> str:
    """A whole page; parts that are empty are left out.

    >>> "<p>all is well" in page("a run", ["<p>all is well", ""])
    True
    """
    head = '<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">'
    # the empty icon keeps a browser from asking a server for one
    head += f'<link rel=icon href="data:,"><title>{escape(title)}</title><style>{STYLE}</style>'
    return head + "\n".join(filter(None, parts)) + "\n"


def section(title, *parts) -> str:
    """A heading and its parts; nothing where all parts are empty.

    >>> section("Clips", ""), section("Clips", "<p>two")
    ('', '<h2>Clips</h2>\\n<p>two')
    """
    there = [part for part in parts if part]
    return "\n".join([f"<h2>{escape(title)}</h2>", *there]) if there else ""


def escape(text) -> str:
    return html.escape(str(text))


def paragraph(text, look="") -> str:
    return f"<p class='{look}'>{escape(text)}</p>" if text else ""


def table(rows, head=(), numbers=(), names=()) -> str:
    """Rows of texts as a table; cells that are HTML already are wrapped in `Raw`.

    Args:
        head: Of the columns.
        numbers: Places of the columns that are aligned to the right.
        names: Of the rows, as `data-name` of their last cell, for those who read the page by program.

    >>> table([("top1", "50%")], names=["top1"])
    "<div class=wide><table><tr><td>top1<td data-name='top1'>50%</table></div>"
    """
    if not rows:
        return ""
    looks = [" class=n" if i in numbers else "" for i in range(max(len(rows[0]), len(head)))]
    lines = ["<tr>" + "".join(f"<th{look}>{escape(text)}" for look, text in zip(looks, head))] if head else []
    for number, row in enumerate(rows):
        cells = []
        for i, cell in enumerate(row):
            name = f" data-name='{escape(names[number])}'" if names and i == len(row) - 1 else ""
            cells.append(f"<td{looks[i]}{name}>{cell if isinstance(cell, Raw) else escape(cell)}")
        lines.append("<tr>" + "".join(cells))
    return f"<div class=wide><table>{''.join(lines)}</table></div>"


class Raw(str):
    """HTML that is not escaped again."""


def folded(summary, *parts) -> str:
    """Parts that are shown when they are asked for; nothing where all are empty."""
    there = "\n".join(filter(None, parts))
    return f"<details><summary>{escape(summary)}</summary>\n{there}</details>" if there else ""


def figure(content, caption="") -> str:
    """A picture, or several, with a line below; the caption is HTML."""
    return f"<figure>{content}<figcaption>{caption}</figcaption></figure>" if content else ""


def image(content, kind, text="", width=None) -> str:
    """The bytes of a picture, such as "image/png", within the page.

    >>> image(b"abc", "image/png", "a dot")
    '<img alt="a dot" src="data:image/png;base64,YWJj">'
    """
    size = f' width="{width}"' if width else ""
    return f'<img alt="{escape(text)}"{size} src="data:{kind};base64,{base64.b64encode(content).decode()}">'


def share_bar(share, interval=None, mark=None) -> Raw:
    """A share from 0 to 1 as a bar, with its interval as a line and another share as a mark.

    >>> share_bar(0.5, (0.4, 0.6)).count("%")
    3
    """
    parts = [f"<i style='width:{share:.1%}'></i>"]
    if interval:
        parts.append(f"<b style='left:{interval[0]:.1%};width:{interval[1] - interval[0]:.1%}'></b>")
    if mark is not None:
        parts.append(f"<u style='left:{min(mark, 0.995):.1%}'></u>")
    return Raw(f"<span class=bar>{''.join(parts)}</span>")
