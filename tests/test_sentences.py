from __future__ import annotations

from octavo.base.source_text import SourceText
from octavo.site.sentences import locate_words, split_sentences

TEXT = """\
---
title: A
---
# A heading. With words

One sentence, with `settings.py` in it. And
another one! See [the other one](b.md) for
more? (Yes.)

- an item. Of a list
  that goes on
2. second

> quoted words

```python
code = "is no sentence."
```

    indented = code

| a | table |
<div>html</div>

Words before a list:
* starred

Title
=====

[x]: https://example.com
::: note
Last words"""


def read() -> list[tuple[int, int | None, str, str]]:
    source = SourceText("posts/a.md", TEXT)
    found = []
    for each in split_sentences(source, 4):
        span = source.span_at(each.start)
        found.append((span.line, span.column, each.text, each.free))
    return found


def test_the_sentences_of_a_source_stand_at_their_places() -> None:
    assert [(line, column, text) for line, column, text, _ in read()] == [
        (6, 1, "One sentence, with `settings.py` in it."),
        (6, 41, "And another one!"),
        (7, 14, "See [the other one](b.md) for more?"),
        (8, 7, "(Yes.)"),
        (10, 3, "an item."),
        (10, 12, "Of a list that goes on"),
        (12, 4, "second"),
        (14, 1, "> quoted words"),
        (25, 1, "Words before a list:"),
        (26, 3, "starred"),
        (28, 1, "Title"),
        (33, 1, "Last words"),
    ]


def test_the_text_of_links_is_not_free() -> None:
    assert {text: free for _, _, text, free in read() if text != free} == {
        "See [the other one](b.md) for more?": "See for more?"
    }
    source = SourceText("a", "![alt](b.png) <https://a.b> see https://c.d/e and [x][y] or [z] <b>bold</b>")
    assert [each.free for each in split_sentences(source)] == ["see and or bold"]


def test_words_are_found_across_the_ends_of_lines() -> None:
    source = SourceText("a", "Here are\nsome *long* words")
    (sentence,) = split_sentences(source)
    assert (locate_words(source, sentence, "are some").line, locate_words(source, sentence, "are some").column) == (
        1,
        6,
    )
    assert locate_words(source, sentence, "words").line == 2
    assert locate_words(source, sentence, "nowhere").line == 1
