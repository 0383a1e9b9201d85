"""HTML as strings that cannot be unescaped by accident, and numbers as words."""

import html

VOID = {"img", "link", "meta"}
MINUS = "\u2212"
SPACE = "\u00a0"  # that does not break


class Markup(str):
    """Text that is HTML already; any other text is escaped where it is put in."""

    __slots__ = ()


def tag(name, /, *children, **attributes):
    """An element.

    Args:
        name: its name.
        *children: `Markup`, or anything else, whose text is escaped; None is left out.
        **attributes: `class_` and `aria_label` become class and aria-label; None is
            left out.

    Returns:
        A `Markup`.
    """
    words = [name]
    for key, value in attributes.items():
        if value is not None:
            key = key.rstrip("_").replace("_", "-")
            words.append(f'{key}="{html.escape(str(value))}"')
    opening = f"<{' '.join(words)}>"
    return Markup(opening if name in VOID else f"{opening}{join(*children)}</{name}>")


def join(*children, between=""):
    """Children one after another, escaped as `tag` escapes them."""
    texts = (
        child if isinstance(child, Markup) else html.escape(str(child))
        for child in children
        if child is not None
    )
    return Markup(between.join(texts))


def number(value, digits=4):
    """A number as a person reads it.

    Args:
        value: finite int or float.
        digits: significant digits.
    """
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    exponent = int(exponent)
    if -4 <= exponent < 7:
        decimals = max(0, digits - 1 - exponent)
        text = f"{float(f'{mantissa}e{exponent}'):,.{decimals}f}"
    else:
        text = f"{mantissa}e{exponent}"
    return text.replace("-", MINUS)
