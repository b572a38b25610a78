"""A colour for each class, the same in every picture and far from its neighbours', and the text that reads on it."""

import colorsys

Colour = tuple[int, int, int]
"""(blue, green, red), each 0..255, as OpenCV orders them."""

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)

_GOLDEN_RATIO = 0.618033988749895
_FIRST_HUE = 0.33


def class_colour(class_index: int) -> Colour:
    """Steps round the colour circle by the golden ratio, which keeps any number of successive classes apart.

    Every other turn is a shade darker, since there are more classes than hues that an eye tells apart.
    """
    hue = (_FIRST_HUE + class_index * _GOLDEN_RATIO) % 1.0
    value = (1.0, 0.78)[class_index // 8 % 2]
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85, value)
    return round(blue * 255), round(green * 255), round(red * 255)


def text_colour(background: Colour) -> Colour:
    """Black or white, whichever contrasts more with the background."""
    return BLACK if contrast(background, BLACK) >= contrast(background, WHITE) else WHITE


def contrast(one: Colour, other: Colour) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2.1, https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio)."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    blue, green, red = (_linear(channel / 255.0) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.03928 else float(((channel + 0.055) / 1.055) ** 2.4)
