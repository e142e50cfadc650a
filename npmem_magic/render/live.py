"""What is shown of a run while it runs: a small SVG built by hand with the numbers above it, or one line of text.

It is built some times a second in the process that is measured: a few KiB of text, no array, no matplotlib. Colours as
in the report: the frontend's own text colour, and tones that are right on light and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..record import Now
from ..rounds import Round
from ..sizes import human, human_seconds, unit_for
from .chart import BLUE, ORANGE
from .widths import clip, printable

WIDTH, HEIGHT = 640, 110
_LEFT, _TOP, _BOTTOM = 62, 8, 18
_FONTS = "var(--jp-code-font-family,ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace)"
_DIM = "opacity:.72"


def line(now: Now, width: int) -> str:
    """The moment in one line of at most `width` columns; what matters least stands last."""
    parts = [human_seconds(now.seconds) if now.seconds else "starting", f"allocated {human(now.allocated)}"]
    parts += [f"peak {human(now.peak)}"] if human(now.peak) != human(now.allocated) else []
    parts += [_round(each) for each in now.rounds[:1]]
    is_told = bool(now.rounds) and not now.function and now.rounds[0].line == now.line
    parts += [where] if (where := _where(now)) and not is_told else []
    parts += [f"resident {human(now.resident)}", f"{human(now.free)} free"]
    return clip(printable(" · ".join(parts)), width)


def html(now: Now) -> str:
    """The moment as HTML: where it is, the numbers, how far its loops are, and the curves so far."""
    style = "max-width:660px;margin:4px 0 8px;line-height:1.45;font-size:13px;color:inherit;text-align:left"
    return f'<div style="{style}">{_head(now)}{_numbers(now)}{"".join(map(_bar, now.rounds[:2]))}{_picture(now)}</div>'


def _head(now: Now) -> str:
    source = f" {_code(now.source)}" if now.source else ""
    clock = f"{now.seconds:.1f} s" if now.seconds else "starting"
    where = f" · {escape(_where(now))}{source}" if now.line else ""
    return f'<div style="font-size:15px"><strong>{clock}</strong>{where}</div>'


def _where(now: Now) -> str:
    if not now.line:
        return ""
    return f"in {now.function}, line {now.line}" if now.function else f"line {now.line}"


def _code(source: str) -> str:
    style = f"font-family:{_FONTS};font-size:12.5px;background:none;padding:0;color:inherit"
    return f'<code style="{style}">{escape(clip(printable(source), 60))}</code>'


def _numbers(now: Now) -> str:
    words = (
        (f"allocated {human(now.allocated)}", BLUE),
        (f"peak {human(now.peak)}", ""),
        (f"resident {human(now.resident)}", ORANGE),
        (f"{human(now.free)} free", ""),
    )
    return f"<div>{' · '.join(_dot(color) + escape(each) for each, color in words)}</div>"


def _dot(color: str) -> str:
    return f'<span style="color:{color}">●</span> ' if color else ""


def _round(each: Round) -> str:
    return f"line {each.line}: round {each.number:,} of {each.count:,}"


def _bar(each: Round) -> str:
    percent = 100 * each.number / each.count
    fill = f"linear-gradient(to right,rgba(42,122,208,.9) {percent:.1f}%,rgba(128,128,128,.35) {percent:.1f}%)"
    bar = f'<span style="display:inline-block;width:180px;height:8px;vertical-align:middle;background:{fill}"></span>'
    return f'<div style="{_DIM}">{bar} {_round(each)}, {percent:.0f} %</div>'


def _picture(now: Now) -> str:
    """Both curves over the time so far."""
    end = max(int(now.seconds * 1e9), 1)
    high = max([1 << 20, now.peak, *now.curve[1], *now.resident_curve[1]])
    unit, size = unit_for(high)

    def points(times: Sequence[int], values: Sequence[int]) -> str:
        across, up = (WIDTH - _LEFT - 2) / end, (HEIGHT - _TOP - _BOTTOM) / high
        base = HEIGHT - _BOTTOM
        pairs = zip(times, values, strict=True)
        return " ".join(f"{_LEFT + max(t, 0) * across:.0f},{base - max(v, 0) * up:.1f}" for t, v in pairs)

    axis = f'<path d="M{_LEFT} {_TOP}V{HEIGHT - _BOTTOM}H{WIDTH - 2}" stroke="currentColor" opacity=".4" fill="none"/>'
    label = 'font-size="11" fill="currentColor" opacity=".8"'
    texts = (
        f'<text x="{_LEFT - 6}" y="{_TOP + 8}" text-anchor="end" {label}>{high / size:.3g} {unit}</text>'
        f'<text x="{_LEFT - 6}" y="{HEIGHT - _BOTTOM}" text-anchor="end" {label}>0</text>'
        f'<text x="{WIDTH - 2}" y="{HEIGHT - 4}" text-anchor="end" {label}>{now.seconds:.1f} s</text>'
    )
    curves = [_polyline(points(*now.resident_curve), ORANGE, 1.5)]
    curves.append(_polyline(points(*_steps(now.curve, end)), BLUE, 2.2))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="memory so far" '
        f'style="display:block;width:100%;max-width:{WIDTH}px;height:auto;margin-top:4px">'
        f"{axis}{texts}{''.join(curves)}</svg>"
    )


def _steps(curve: tuple[Sequence[int], Sequence[int]], end: int) -> tuple[list[int], list[int]]:
    """The corners of the step curve, from 0 at the start up to now."""
    times, values = [0], [0]
    for time_ns, value in zip(*curve, strict=True):
        if value != values[-1]:
            times += [time_ns, time_ns]
            values += [values[-1], value]
    return [*times, end], [*values, values[-1]]


def _polyline(points: str, color: str, width: float) -> str:
    return f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="{width}"/>' if points else ""
