"""Training curves as small line charts, inline SVG."""

import math

from keras_gen.gallery.markup import MINUS, join, number, tag

WIDTH, HEIGHT = 320, 170  # units of the drawing, about pixels
TOP, RIGHT, BOTTOM = 10, 12, 22
LETTER = 6.4  # widest digit of the labels
TICKS = 4
HELD_OUT = "val_"
# A range smaller than this share of its values is drawn as a constant.
FLAT = 1e-6


def charts(curves):
    """One chart for each scalar, its held-out twin in the same.

    Args:
        curves: name to {"steps": [int, ...], "values": [float, ...]}, finite; the
            twin of `loss` is `val_loss`.

    Returns:
        A list of `Markup`, one `<figure>` each, `loss` first; scalars without points
        are left out.
    """
    kept = {name: curve for name, curve in curves.items() if curve["steps"]}
    names = dict.fromkeys(name.removeprefix(HELD_OUT) for name in kept)
    ordered = sorted(names, key=lambda name: name != "loss")
    return [_figure(n, kept.get(n), kept.get(HELD_OUT + n)) for n in ordered]


def _figure(name, train, held_out):
    lines = {"train": train, "held out": held_out}
    lines = {label: _points(curve) for label, curve in lines.items() if curve}
    last = {label: number(points[-1][1]) for label, points in lines.items()}
    words = ", ".join(f"{label} {value}" for label, value in last.items())
    step = max(points[-1][0] for points in lines.values())
    legend = [
        tag("span", f"{label} ", tag("b", value), class_=_css(label))
        for label, value in last.items()
    ]
    caption = tag("figcaption", tag("code", name), *legend)
    drawing = _drawing(lines, f"{name} at step {step:,}: {words}")
    return tag("figure", caption, drawing, class_="chart")


def _css(label):
    return label.replace(" ", "-")


def _points(curve):
    return list(zip(curve["steps"], curve["values"], strict=True))


def _drawing(lines, label):
    steps = [step for points in lines.values() for step, _ in points]
    values = [value for points in lines.values() for _, value in points]
    low, high = _range(min(values), max(values))
    spacing = tick_step(low, high, TICKS)
    labels = {tick: tick_label(tick, spacing) for tick in ticks(low, high, spacing)}
    left = 8 + LETTER * max(len(text) for text in labels.values())
    last = max(*steps, 1)

    def x(step):
        return left + (WIDTH - RIGHT - left) * step / last

    def y(value):
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    return tag(
        "svg",
        *(_level(y(tick), left, text) for tick, text in labels.items()),
        *(_step(x(tick), text) for tick, text in _steps(last)),
        *(_line(points, x, y, _css(name)) for name, points in lines.items()),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=label,
    )


def _range(low, high):
    """The values that an axis spans, with room around them."""
    size = max(abs(low), abs(high))
    flat = high - low <= FLAT * size
    room = (0.1 * size or 1.0) if flat else 0.06 * (high - low)
    return low - room, high + room


def tick_step(low, high, most):
    """The smallest of 1, 2, 5, 10... that has at most so many multiples between.

    Args:
        low, high: floats, low < high.
        most: int above 1.
    """
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 5, 10, 20):
        step = factor * power
        if math.floor(high / step) - math.ceil(low / step) < most:
            return step
    return 50 * power


def ticks(low, high, step):
    """Multiples of a step between two values, none of them minus zero."""
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def tick_label(value, step):
    """A tick's label, with the digits that tell it from its neighbours."""
    exponent = math.floor(math.log10(step) + 1e-9)
    size = math.floor(math.log10(abs(value)) + 1e-9) if value else exponent
    if value == 0:
        text = "0"
    elif exponent >= -5 and size < 6:
        text = f"{value:,.{max(0, -exponent)}f}"
    else:
        mantissa, power = f"{value:.{max(0, size - exponent)}e}".split("e")
        text = f"{mantissa}e{int(power)}"
    return text.replace("-", MINUS)


def _steps(last):
    """Ticks of the axis of steps, which starts at 0, and their labels."""
    step = max(1.0, tick_step(0, last, TICKS + 1))
    return [(tick, tick_label(tick, step)) for tick in ticks(0, last, step)]


def _level(height, left, text):
    place = {"y1": f"{height:.1f}", "y2": f"{height:.1f}"}
    line = tag("line", x1=f"{left:.1f}", x2=WIDTH - RIGHT, **place)
    word = tag(
        "text", text, x=f"{left - 6:.1f}", y=f"{height + 3.6:.1f}", text_anchor="end"
    )
    return join(line, word)


def _step(place, text):
    near = place + LETTER * len(text) / 2 > WIDTH
    return tag(
        "text",
        text,
        x=WIDTH if near else f"{place:.1f}",
        y=HEIGHT - 5,
        text_anchor="end" if near else "middle",
    )


def _line(points, x, y, css):
    places = [f"{x(step):.1f},{y(value):.1f}" for step, value in points]
    end = dict(zip(("cx", "cy"), places[-1].split(",")))
    path = tag("polyline", points=" ".join(places)) if len(points) > 1 else None
    return tag("g", path, tag("circle", r="2.5", **end), class_=css)
