"""Made-up posts, each from a seed and its number alone."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from benchmarks.snippets import snippet
from benchmarks.words import GENERAL_TAGS, SUBJECTS_OF_TOPIC, Writer, capital, topic_name, topics_at, word

KINDS = ("small", "real")
FIRST_DAY = datetime(2012, 1, 1, tzinfo=UTC)
MINUTES = 14 * 365 * 24 * 60

BLOCKS = ("text",) * 8 + ("list",) * 6 + ("code",) * 3 + ("quote",) * 2 + ("table",)
"""What stands between paragraphs, as often as in public blogs on programming: about 7 % of their text is code."""


def made_posts(count: int, kind: str, seed: int) -> Iterator[tuple[str, bytes]]:
    """``(file name, content)`` of every post and of the images beside them."""
    for number in range(count):
        yield from made_post(number, kind, seed)


def made_post(number: int, kind: str, seed: int) -> Iterator[tuple[str, bytes]]:
    rng, writer, topic = _beginning(number, seed)
    title = _title(rng, writer, topic)
    lines = ["---", f"title: {title}", f"date: {_date(rng)}", f"tags: [{', '.join(_tags(rng, topic, number))}]"]
    lines.append(f"author: {_author(rng, number)}")
    if rng.random() < 0.8:
        lines.append(f"description: {writer.sentence()}")
    if rng.random() < 0.08:
        lines.append(f"series: {capital(topic_name(topic))} from {rng.choice(('scratch', 'the inside', 'above'))}")
    lines += ["---", ""]
    image = f"{stem(number, seed)}.png"
    if kind == "small":
        body = [_paragraph(rng, writer, 3, 5) for _ in range(3)]
        pictured = False
    else:
        pictured = rng.random() < 0.15
        body = _long_body(rng, writer, number, seed, image if pictured else None)
    text = "\n".join(lines) + "\n" + "\n\n".join(body) + "\n"
    yield f"{stem(number, seed)}.md", text.encode()
    if pictured:
        yield image, _png(rng)


def stem(number: int, seed: int) -> str:
    """The name of a post's file without its ending: what a link needs to know of a post."""
    rng = Random(f"name {seed} {number}")
    return f"{word(rng.randrange(3000))}-{word(rng.randrange(3000))}-{number}"


def _beginning(number: int, seed: int) -> tuple[Random, Writer, int]:
    rng = Random(f"post {seed} {number}")
    topics = topics_at(number)
    # Old topics have more posts than new ones.
    topic = int(topics * rng.random() ** 1.5)
    return rng, Writer(rng, topic, rng.randrange(SUBJECTS_OF_TOPIC)), topic


def _title(rng: Random, writer: Writer, topic: int) -> str:
    words = writer.take(rng.randint(3, 7))
    words.insert(rng.randrange(len(words)), topic_name(topic))
    return capital(" ".join(words))


def _date(rng: Random) -> str:
    return (FIRST_DAY + timedelta(minutes=rng.randrange(MINUTES))).isoformat()


def _tags(rng: Random, topic: int, number: int) -> list[str]:
    tags = {topic_name(topic): None, rng.choice(GENERAL_TAGS): None}
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        near = (topic + rng.choice((1, 2, 3, 5))) % topics_at(number)
        tags[topic_name(near)] = None
    return list(tags)


def _author(rng: Random, number: int) -> str:
    writers = 3 + min(40, int(number**0.4))
    which = int(writers * rng.random() ** 2)
    return f"{capital(word(5000 + 8 * which))} {capital(word(9000 + 8 * which))}"


def _paragraph(rng: Random, writer: Writer, low: int, high: int) -> str:
    return " ".join(writer.sentence() for _ in range(rng.randint(low, high)))


def _long_body(rng: Random, writer: Writer, number: int, seed: int, image: str | None) -> list[str]:
    blocks = [_paragraph(rng, writer, 3, 5)]
    notes: list[str] = []
    target = int(rng.lognormvariate(0, 0.35) * 8400)
    size = len(blocks[0])
    section = 0
    while size < target:
        added = [_heading(writer, 2 if section % 3 == 0 else 3), _rich(rng, writer, number, seed, notes)]
        added.append(_rich(rng, writer, number, seed, notes))
        added += [_block(what, rng, writer) for what in rng.choices(BLOCKS, k=2)]
        blocks += added
        size += sum(map(len, added))
        section += 1
    if image is not None:
        at = rng.randrange(1, len(blocks))
        blocks.insert(at, f"![{capital(writer.phrase(2, 5))}]({image})")
    return blocks + notes


def _heading(writer: Writer, level: int) -> str:
    return "#" * level + " " + capital(writer.phrase(2, 6))


def _rich(rng: Random, writer: Writer, number: int, seed: int, notes: list[str]) -> str:
    """A paragraph with what authors put in it: emphasis, code, links to other posts and elsewhere, footnotes."""
    sentences = [writer.sentence() for _ in range(rng.randint(3, 5))]
    for index, sentence in enumerate(sentences):
        words = sentence[:-1].split(" ")
        at = rng.randrange(1, len(words) - 1)
        chance = rng.random()
        if chance < 0.12:
            words[at] = f"**{words[at].rstrip(',')}**"
        elif chance < 0.22:
            words[at] = (
                f"*{words[at].rstrip(',')} {words.pop(at + 1).rstrip(',')}*" if at < len(words) - 1 else words[at]
            )
        elif chance < 0.45:
            words[at] = f"`{writer.name()}()`"
        elif chance < 0.52 and number > 0:
            other = rng.randrange(number)
            words[at] = f"[{words[at].rstrip(',')}]({stem(other, seed)}.md)"
        elif chance < 0.60:
            words[at] = (
                f"[{words[at].rstrip(',')}](https://{writer.name().replace('_', '-')}.example/{rng.randrange(999)})"
            )
        elif chance < 0.63:
            label = f"n{len(notes) + 1}"
            words[-1] += f"[^{label}]"
            notes.append(f"[^{label}]: {writer.sentence()}")
        sentences[index] = " ".join(words) + "."
    return " ".join(sentences)


def _block(what: str, rng: Random, writer: Writer) -> str:
    if what == "code":
        return snippet(rng, writer)
    if what == "list":
        mark = rng.choice(("-", "1."))
        return "\n".join(f"{mark} {capital(writer.phrase(4, 14))}." for _ in range(rng.randint(3, 6)))
    if what == "quote":
        return f"> {writer.sentence()} {writer.sentence()}\n>\n> {writer.sentence()}"
    if what == "table":
        rows = [
            [writer.phrase(1, 2), f"{rng.random() * 100:.1f}", writer.phrase(2, 4)] for _ in range(rng.randint(3, 7))
        ]
        head = [capital(writer.phrase(1, 1)) for _ in range(3)]
        return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---", "---:", "---"], *rows))
    return _paragraph(rng, writer, 4, 6)


def _png(rng: Random) -> bytes:
    """A picture of 64 × 40 pixels in one colour with a band of another."""
    colours = [bytes(rng.randrange(256) for _ in range(3)) for _ in range(2)]
    rows = b"".join(b"\0" + colours[12 < row < 28] * 64 for row in range(40))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 64, 40, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
