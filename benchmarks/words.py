"""A made-up language with the statistics of technical writing.

Three sources are mixed, as in real posts: common English words; the words of a topic and, more often, of one subject
within it, so that posts on one subject resemble each other; and an endless tail of rare words whose rank follows a
Pareto law, so that the vocabulary grows with the text as Heaps' law says (with exponent 1 / 1.6).
"""

from __future__ import annotations

from functools import cache
from itertools import accumulate
from random import Random

COMMON = """
the of to a and in is that it for on with as this you are be can or an by from not which when will if we have but at
one all they what has your how was there more use than then into its only each them so other may no do out way time
does some two where same most before after first new while about these those made any through over without need
because must between such very just like also should would could many much even still well both here why again
under since until against within along behind across during up down off once twice never always often sometimes
rather quite almost enough however instead otherwise therefore perhaps later sooner next last another every either
neither part place point case thing things work works worked working make makes making take takes taken give gives
given find finds found keep keeps kept read reads reading write writes written writing run runs running start starts
stop stops change changes changed changing open opens close closes call calls called add adds added remove removes
removed show shows shown set sets get gets put puts look looks come comes go goes want wants know knows known think
thinks see sees seen say says said ask asks answer answers wait waits send sends sent move moves moved hold holds held
turn turns turned leave leaves left begin begins end ends build builds built test tests tested check checks checked
fix fixes fixed break breaks broken fail fails failed pass passes passed save saves saved load loads loaded return
returns returned name names named number numbers line lines list lists value values key keys file files folder word
words page pages text code data type types user users people team teams day days week weeks month year years hour
minute second small large long short fast slow good better best bad worse simple hard easy old early late high low
full empty free safe clear plain right wrong real true false whole half single common rare strange useful different
similar possible likely certain exact local remote public private main second third several few little less least
reason problem question example result order size rest side step kind idea fact cost price limit rule choice mistake
detail surprise habit answer moment version release project machine screen keyboard editor window button form field
""".split()

TERMS = """
python javascript rust html css sql toml yaml json bash linux docker kubernetes postgres sqlite redis flask django
react typescript webassembly async threads compiler parser lexer grammar unicode regex caching queues streams sockets
http tls dns proxies logging tracing metrics testing fuzzing profiling benchmarks memory allocation ownership borrowing
closures iterators generators decorators coroutines futures channels locks transactions indexes migrations schemas
serialization validation authentication sessions cookies tokens encryption hashing signatures passwords routing
templates forms accessibility typography layout fonts images video audio animation canvas shaders maps geometry
statistics sampling regression clustering embeddings tokenization search ranking crawling scraping feeds email
calendars timezones localization packaging versioning releases deployment monitoring backups incidents postmortems
documentation tutorials interviews conferences community governance licensing accounting hiring mentoring onboarding
remote keyboards editors terminals shells dotfiles git rebasing reviews refactoring patterns architecture monoliths
microservices events actors consensus replication sharding partitions clocks batching scheduling backpressure retries
timeouts idempotency pagination graphql rest protobuf grpc websockets bluetooth firmware microcontrollers sensors
robotics simulation physics chess music photography gardening cooking cycling hiking astronomy chemistry biology
economics history philosophy linguistics cryptography compression filesystems kernels drivers emulators bytecode
""".split()

GENERAL_TAGS = """
guide news opinion howto notes release beginners deep-dive tools performance security design open-source career
reading-list case-study questions announcements weekly archive
""".split()

ONSETS = "b br c ch d dr f fl g gr h j k l m n p pl qu r s sh st t tr v w z".split()
VOWELS = "a e i o u ai ea ou".split()
CODAS = ["", "", "n", "r", "l", "s", "t", "m"]
SYLLABLES = sorted({o + v + c for o in ONSETS for v in VOWELS for c in CODAS if len(o + v + c) <= 4})
ENDINGS = ("", "", "", "s", "ed", "ing", "er", "ly")

TAIL_SHIFT = 60.0
TAIL_EXPONENT = 0.6
SUBJECTS_OF_TOPIC = 25
MOST_TOPICS = 300


def word(rank: int) -> str:
    """The made-up word of a rank, short for the frequent ones; few ranks share a word."""
    number, count = (rank * 7919, 2) if rank < 20_000 else (rank * 524_287, 3)
    letters = []
    for _ in range(count):
        number, index = divmod(number, len(SYLLABLES))
        letters.append(SYLLABLES[index])
    return "".join(letters) + ENDINGS[rank % len(ENDINGS)]


def tail_rank(chance: float) -> int:
    """The rank of a rare word: P(rank > r) = (1 + r / 60) ** -0.6, for ``chance`` uniform in (0, 1]."""
    return int(TAIL_SHIFT * (chance ** (-1 / TAIL_EXPONENT) - 1)) % 10**9


def zipf(count: int, shift: float = 2.0) -> list[float]:
    """Cumulative weights of ranks 1 … count under a Zipf-Mandelbrot law."""
    return list(accumulate(1 / (rank + shift) for rank in range(count)))


COMMON_WEIGHTS = zipf(len(COMMON))
TOPIC_WEIGHTS = zipf(150, 5.0)
SUBJECT_WEIGHTS = zipf(18)


def topics_at(number: int) -> int:
    """How many topics the first ``number`` posts have: more posts, more topics, up to a bound."""
    return min(MOST_TOPICS, 12 + int(2 * number**0.5))


@cache
def topic_name(topic: int) -> str:
    return TERMS[topic] if topic < len(TERMS) else word(300_000 + topic * 11)


@cache
def topic_words(topic: int) -> tuple[str, ...]:
    """The 150 words of a topic, technical terms among them; topics share some."""
    rng = Random(f"topic {topic}")
    made = [word(int(50 * 400 ** rng.random())) for _ in range(120)]
    words = [topic_name(topic), *rng.sample(TERMS, 29), *made]
    head, rest = words[:1], words[1:]
    rng.shuffle(rest)
    return tuple(head + rest)


@cache
def subject_words(topic: int, subject: int) -> tuple[str, ...]:
    """The 18 words that posts on one subject of a topic have in common."""
    rng = Random(f"subject {topic} {subject}")
    rare = [word(1_000_000 + (topic * SUBJECTS_OF_TOPIC + subject) * 8 + index) for index in range(6)]
    return tuple(rng.sample(topic_words(topic), 12) + rare)


class Writer:
    """The words of one post: ``take(n)`` gives the next ``n``."""

    def __init__(self, rng: Random, topic: int, subject: int) -> None:
        self._rng = rng
        self._topic = topic_words(topic)
        self._subject = subject_words(topic, subject)
        self._stock: list[str] = []

    def take(self, count: int) -> list[str]:
        while len(self._stock) < count:
            self._stock += self._draw(400)
        taken, self._stock = self._stock[:count], self._stock[count:]
        return taken

    def _draw(self, count: int) -> list[str]:
        rng = self._rng
        common = iter(rng.choices(COMMON, cum_weights=COMMON_WEIGHTS, k=count))
        topic = iter(rng.choices(self._topic, cum_weights=TOPIC_WEIGHTS, k=count))
        subject = iter(rng.choices(self._subject, cum_weights=SUBJECT_WEIGHTS, k=count))
        drawn = []
        for _ in range(count):
            chance = rng.random()
            if chance < 0.62:
                drawn.append(next(common))
            elif chance < 0.79:
                drawn.append(next(topic))
            elif chance < 0.87:
                drawn.append(next(subject))
            else:
                drawn.append(word(tail_rank(1.0 - rng.random())))
        return drawn

    def phrase(self, low: int, high: int) -> str:
        return " ".join(self.take(self._rng.randint(low, high)))

    def sentence(self) -> str:
        words = self.take(self._rng.randint(7, 19))
        if len(words) > 11:
            words[5] += ","
        return capital(" ".join(words)) + "."

    def name(self) -> str:
        """A name for code, new nearly every time: two rare words."""
        ranks = (tail_rank(1.0 - self._rng.random()) for _ in range(2))
        return "_".join(word(rank) for rank in ranks)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
