"""What looking inside gave, as HTML: a paragraph, a picture, a table. Knows an `Insight`, not what it is of."""

from __future__ import annotations

import base64
import html

from toolkit.api.inspecting import Insight


def html_of(found: Insight) -> tuple[str, str, str]:
    """What is said, the picture and the table."""
    return _said(found), _picture(found), _table(found)


def _said(found: Insight) -> str:
    notes = "".join(f"<pre>{html.escape(each)}</pre>" for each in found.notes)
    return f'<div class="insight"><h2>{html.escape(found.title)}</h2><p>{html.escape(found.said)}</p>{notes}</div>'


def _picture(found: Insight) -> str:
    if found.draw is None:
        return ""
    drawn = base64.b64encode(found.draw()).decode()
    return f'<div class="paper figure"><img alt="{html.escape(found.title)}" src="data:image/png;base64,{drawn}"></div>'


def _table(found: Insight) -> str:
    # A table that is wider than a telephone scrolls, and what scrolls can be reached by the keyboard.
    heads = "".join(f'<th scope="col">{html.escape(each)}</th>' for each in found.heads)
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in found.rows)
    return (
        '<div class="numbers" tabindex="0" role="region" aria-label="The numbers">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
