"""Reads a page as people do: the texts, and what is read aloud or shown when one points at something."""

from html.parser import HTMLParser


class _Reading(HTMLParser):
    """What is read or read aloud of a page: texts, and the attributes that hold words."""

    WORDS = {"alt", "aria-label", "placeholder", "title", "data-announce", "data-say-again", "data-say-busy"}

    def __init__(self):
        super().__init__()
        self.texts, self.inside = [], []

    def handle_starttag(self, tag, attrs):
        # A section that names its own language is written in that one, whatever the page's.
        if tag in ("script", "style", "code") or (tag == "section" and "lang" in dict(attrs)):
            self.inside.append(tag)
        self.texts += [value for name, value in attrs if name in self.WORDS and value]

    def handle_endtag(self, tag):
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.texts.append(data)


def visible(html):
    reader = _Reading()
    reader.feed(html)
    reader.close()
    return [" ".join(text.split()) for text in reader.texts if text.strip()]
