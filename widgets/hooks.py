"""What a widget's root tells the script of the page: how it was asked for, and the words that an ageing price needs.

So the script draws a price that grows old as the templates would, in their language, though no server answers.
"""

from collections.abc import Mapping

from widgets.board import Options
from widgets.format import count
from widgets.words import words


def hooks(options: Options) -> Mapping[str, str | None]:
    """Attributes of the root; None is not printed. `data-digits` are the ten digits where they are not 0 to 9."""
    say = words(options.locale)
    digits = "".join(count(digit, options.locale) for digit in range(10))
    return {
        "data-locale": options.locale,
        "data-change": options.change,
        "data-zeros": "count" if options.zeros == "count" else None,
        "data-say-delayed": say["delayed"],
        "data-say-none": say["none"],
        "data-say-empty": say["empty"],
        "data-say-as-of": say["as_of"],
        "data-digits": None if digits == "0123456789" else digits,
    }
