from __future__ import annotations

import math
import pickle
import random
import subprocess
import sys
from collections import Counter
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.base.digest import digest
from octavo.engine.facts import Fact, Facts, Reader, fact
from octavo.engine.scheduler import Share
from octavo.model.documents import Terms
from octavo.model.queries import Corpus, Setting, SpellingOf, TermsOf
from octavo.model.related import Candidate, Relation
from octavo.model.settings import RelatedSettings
from octavo.related.rank import KEEP, RankState, RelatedLists, rank, relate
from octavo.related.terms import count_terms, decode

Rows = dict[str, list[Relation]]


class Blog:
    """Posts to rank, by path, with their terms."""

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self.posts: dict[str, Candidate] = {}
        self.terms: dict[str, Terms] = {}
        self.loaded: list[str] = []

    def write(self, path: str, prose: str, title: str = "", day: int | None = 0, **more: Any) -> None:
        tags = more.get("tags", ())
        assert isinstance(tags, tuple)
        terms = self.terms[path] = count_terms(title, tags, prose, "", self.language)
        self.posts[path] = Candidate(path, title, day, digest(terms), **more)

    def delete(self, path: str) -> None:
        del self.posts[path], self.terms[path]

    def load(self, path: str) -> Terms:
        self.loaded.append(path)
        return self.terms[path]

    def rank(
        self, previous: RankState | None = None, keep: int = KEEP, reached: int = 0
    ) -> tuple[RelatedLists, RankState]:
        return rank(self.posts.values(), self.load, keep, previous, reached=reached)

    def lists(self, keep: int = KEEP, reached: int = 0) -> Rows:
        return dict(self.rank(keep=keep, reached=reached)[0])

    def offered(self, path: str) -> list[str]:
        return [relation.path for relation in self.rank()[0][path]]


WORDS = [f"word{number}" for number in range(40)]


def prose(rng: random.Random) -> str:
    topic = rng.sample(WORDS, 6)
    return "\n".join(" ".join(rng.choices(topic + rng.sample(WORDS, 2), k=rng.randint(1, 6))) for _ in range(4))


def blog(posts: int, seed: int = 0) -> Blog:
    rng = random.Random(seed)
    made = Blog()
    for number in range(posts):
        made.write(f"posts/{number:03}.md", prose(rng), f"Post {number}", day=number * 9)
    return made


def three() -> Blog:
    made = Blog()
    made.write("a.md", "subquery exists outer\nqueryset of orders", tags=("Django",))
    made.write("b.md", "subquery annotate\nqueryset of orders", tags=("Django",))
    made.write("c.md", "blueprint factory", tags=("Flask",))
    made.write("d.md", "blueprint serving", tags=("Flask",))
    for number in range(8):
        made.write(f"other{number}.md", f"unlike{number}")
    return made


def test_the_posts_that_share_rare_terms_are_related() -> None:
    made = three()
    assert made.offered("a.md") == ["b.md"]
    assert made.offered("c.md") == ["d.md"]


def test_scores_are_those_of_the_formula() -> None:
    """Against the definition, written down again with dicts."""
    made = blog(70, seed=3)
    lists = made.lists(keep=len(made.posts))
    counts = {path: dict(decode(terms)) for path, terms in made.terms.items()}
    oldest = sorted(made.posts.values(), key=lambda post: (post.day, post.path))[:66]
    df = Counter(term for terms in counts.values() for term in terms)
    common = Counter(term for post in oldest for term in counts[post.path])
    vectors = {}
    for path, terms in counts.items():
        raw = {}
        for term, count in terms.items():
            rarity = round(4 * math.log(67)) - round(4 * math.log(max(common[term], 1)))
            if df[term] >= 2 and common[term] <= 13 and rarity > 0:
                raw[term] = round(round(256 * (count / 4) ** 0.55) * rarity / 64)
        length = math.sqrt(sum(value * value for value in raw.values()))
        vectors[path] = {term: round(8192 * value / length) for term, value in raw.items()}
    expected = {}
    for one, two in combinations(made.posts.values(), 2):
        dot = sum(value * vectors[two.path].get(term, 0) for term, value in vectors[one.path].items())
        assert one.day is not None and two.day is not None
        near = round(4096 / (1 + 0.2 * math.log(1 + abs(one.day - two.day) / 15)))
        if dot:
            expected[one.path, two.path] = expected[two.path, one.path] = min(
                1.0, round(dot * near / 8192**2 / 4096, 4)
            )
    found = {(path, relation.path): relation.score for path, row in lists.items() for relation in row}
    assert found.keys() == expected.keys()
    for (path, other), score in found.items():
        best = sorted((value for (one, _), value in expected.items() if one == other), reverse=True)[:10]
        halved = -math.log2(sum(best) / len(best))
        ease = 2 ** (0.2 * (min(round(2 * halved), 13) / 2 - 3.25))
        assert score == pytest.approx(min(1.0, expected[path, other] * ease), abs=0.0002)


def test_what_is_nearer_in_time_comes_first() -> None:
    made = Blog()
    for number in range(8):
        made.write(f"other{number}.md", f"unlike{number}")
    made.write("old.md", "subquery", day=0)
    made.write("later.md", "subquery", day=900)
    made.write("query.md", "subquery", day=1000)
    assert made.offered("query.md") == ["later.md", "old.md"]


def test_equal_scores_stand_newer_first_then_by_path() -> None:
    made = Blog()
    for number in range(8):
        made.write(f"other{number}.md", f"unlike{number}", day=None)
    for path, day in (("b.md", 10), ("a.md", 10), ("new.md", 30), ("query.md", 20), ("undated.md", None)):
        made.write(path, "subquery", day=day)
    assert made.offered("query.md") == ["new.md", "a.md", "b.md", "undated.md"]


def test_a_missing_date_counts_as_a_year_apart() -> None:
    made = three()
    made.write("a.md", "subquery", day=0)
    made.write("b.md", "subquery", day=365)
    apart = made.lists()["a.md"][0].score
    for undated in (None, 365):
        made.write("a.md", "subquery", day=None)
        made.write("b.md", "subquery", day=undated)
        assert made.lists()["a.md"][0].score == apart


def test_a_blocked_post_gives_way_to_the_next_one() -> None:
    made = blog(40)
    full = made.lists(keep=5)["posts/007.md"]
    made.posts["posts/007.md"] = made.posts["posts/007.md"]._replace(block=(full[1].path,))
    kept = made.lists(keep=5)["posts/007.md"]
    assert [each.path for each in kept[:4]] == [each.path for each in full if each != full[1]]
    assert len(kept) == 5


def test_a_block_goes_one_way() -> None:
    made = three()
    made.posts["a.md"] = made.posts["a.md"]._replace(block=("b.md",))
    assert made.offered("a.md") == []
    assert made.offered("b.md") == ["a.md"]


def test_pins_come_first_in_their_order_and_the_list_is_filled_up() -> None:
    made = blog(40)
    best = [each.path for each in made.lists(keep=5)["posts/007.md"]]
    pins = ("posts/030.md", best[2], "posts/007.md", "nowhere.md")
    made.posts["posts/007.md"] = made.posts["posts/007.md"]._replace(pin=pins)
    row = made.lists(keep=5)["posts/007.md"]
    assert [each.path for each in row] == ["posts/030.md", best[2], best[0], best[1], best[3]]
    assert [each.reasons[0].kind for each in row[:3]] == ["pin", "pin", "term"]


def test_a_post_that_is_not_to_be_related_has_no_list_and_is_in_none() -> None:
    made = three()
    made.posts["a.md"] = made.posts["a.md"]._replace(related=False)
    made.posts["c.md"] = made.posts["c.md"]._replace(pin=("a.md",))
    lists = made.lists()
    assert not lists["a.md"]
    assert all(each.path != "a.md" for row in lists.values() for each in row)


def test_every_post_has_a_row_and_an_unknown_one_none() -> None:
    lists, _ = three().rank()
    assert set(lists) == set(three().posts)
    assert list(lists["other1.md"]) == []
    with pytest.raises(KeyError):
        lists["nowhere.md"]


def test_no_posts_and_one_post_have_no_lists() -> None:
    assert Blog().lists() == {}
    made = Blog()
    made.write("a.md", "alone")
    assert {path: len(row) for path, row in made.lists().items()} == {"a.md": 0}


def reasons(made: Blog, path: str) -> list[tuple[str, str]]:
    return [(reason.kind, reason.text) for reason in made.lists()[path][0].reasons]


def test_a_phrase_is_told_once_and_a_tag_stands_for_its_word() -> None:
    made = three()
    made.write("a.md", "django orders of magnitude", tags=("Django",))
    made.write("b.md", "django orders of magnitude", tags=("Django",))
    assert reasons(made, "a.md") == [("tag", "Django"), ("term", "django orders"), ("term", "orders of magnitude")]


def test_shares_add_up_to_no_more_than_all() -> None:
    for row in blog(40).lists().values():
        for relation in row[:10]:
            shares = [reason.share for reason in relation.reasons if reason.share is not None]
            assert 1 <= len(shares) <= 3
            assert shares == sorted(shares, reverse=True)
            assert 0 < sum(shares) <= 1.02


def test_a_term_is_shown_as_one_of_the_two_writes_it() -> None:
    made = three()
    made.write("a.md", "flask sqlalchemy", title="Models with Flask-SQLAlchemy")
    made.write("b.md", "the flask sqlalchemy")
    assert ("term", "Flask-SQLAlchemy") in reasons(made, "a.md")
    assert ("term", "Flask-SQLAlchemy") in reasons(made, "b.md")


def test_links_and_series_are_reasons_from_both_sides() -> None:
    made = three()
    made.posts["a.md"] = made.posts["a.md"]._replace(links=("b.md",), series="orm")
    made.posts["b.md"] = made.posts["b.md"]._replace(series="orm")
    assert reasons(made, "a.md")[:2] == [("link", "linked from this article"), ("series", "same series")]
    assert reasons(made, "b.md")[0] == ("link", "links to this article")
    made.posts["b.md"] = made.posts["b.md"]._replace(links=("a.md",))
    assert reasons(made, "b.md")[0] == ("link", "links to this article and is linked from it")


def test_the_order_of_the_candidates_does_not_matter() -> None:
    made = blog(60)
    shuffled = list(made.posts.values())
    random.Random(1).shuffle(shuffled)
    assert dict(rank(shuffled, made.load)[0]) == made.lists()


def edited(made: Blog, rng: random.Random) -> None:
    """One change of the kind authors make."""
    path = rng.choice(sorted(made.posts))
    post = made.posts[path]
    change = rng.choice(
        ["word", "body", "new", "old", "delete", "date", "undated", "block", "pin", "hide", "title", "link"]
    )
    if change == "word":
        words = [word for word, _ in decode(made.terms[path]) if " " not in word]
        made.write(path, "\n".join([*words, rng.choice(WORDS)]), post.title, post.day)
    elif change == "body":
        made.write(path, prose(rng), post.title, post.day)
    elif change in ("new", "old"):
        day = 10_000 if change == "new" else rng.randint(0, 500)
        made.write(f"posts/{rng.randint(0, 10**6)}.md", prose(rng), day=day)
    elif change == "delete" and len(made.posts) > 2:
        made.delete(path)
    elif change in ("date", "undated"):
        made.posts[path] = post._replace(day=None if change == "undated" else rng.randint(0, 3000))
    elif change == "block":
        made.posts[path] = post._replace(block=tuple(rng.sample(sorted(made.posts), 2)))
    elif change == "pin":
        made.posts[path] = post._replace(pin=tuple(rng.sample(sorted(made.posts), 2)))
    elif change == "hide":
        made.posts[path] = post._replace(related=not post.related)
    elif change == "title":
        made.posts[path] = post._replace(title=f"About {rng.choice(WORDS).upper()}", series="one")
    elif change == "link":
        made.posts[path] = post._replace(links=tuple(rng.sample(sorted(made.posts), 2)))


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from([12, 57, 75, 130]),
    st.sampled_from([3, 20]),
    st.sampled_from([0, 2]),
    st.data(),
)
def test_lists_after_any_changes_are_those_of_a_clean_run(
    seed: int, size: int, keep: int, reached: int, data: st.DataObject
) -> None:
    rng = random.Random(seed)
    made = blog(size, seed)
    lists, state = made.rank(keep=keep, reached=reached)
    before = dict(lists)
    for _ in range(data.draw(st.integers(1, 6))):
        for _ in range(data.draw(st.integers(1, 3))):
            edited(made, rng)
        lists, state = made.rank(pickle.loads(pickle.dumps(state)), keep, reached)
        clean = made.lists(keep, reached)
        assert dict(lists) == clean
        assert {path for path in clean if before.get(path) != clean[path]} <= lists.touched
        before = clean


def crowd(posts: int) -> Blog:
    """Posts alike, among many that are like none."""
    made = Blog()
    for number in range(200):
        made.write(f"other{number}.md", f"unlike{number}", day=9000)
    for number in range(posts):
        made.write(f"near{number:02}.md", "subquery", day=1000 + number)
    return made


def test_equal_posts_keep_their_order_through_changes() -> None:
    made = crowd(30)
    for path in [path for path in made.posts if path.startswith("near")]:
        made.write(path, "subquery", day=1000)
    lists, state = made.rank(keep=5)
    assert len(lists["near00.md"]) == 5
    for number in (3, 20, 7):
        made.delete(f"near{number:02}.md")
        made.write(f"first{number}.md", "subquery", day=1000)
        lists, state = made.rank(state, keep=5)
        assert dict(lists) == made.lists(keep=5)


def test_a_list_that_loses_most_of_its_posts_is_searched_again() -> None:
    made = crowd(30)
    lists, state = made.rank(keep=5)
    for number in range(20):
        made.delete(f"near{number + 1:02}.md")
        made.write(f"far{number:02}.md", "subquery", day=0)
        lists, state = made.rank(state, keep=5)
        assert "other1.md" not in lists.touched
        assert dict(lists) == made.lists(keep=5)


def test_a_list_tells_of_a_link_from_a_post_it_pins() -> None:
    made = blog(60)
    made.posts["posts/001.md"] = made.posts["posts/001.md"]._replace(pin=("posts/002.md",))
    made.write("posts/002.md", "nothing in common", day=18)
    _, state = made.rank()
    made.posts["posts/002.md"] = made.posts["posts/002.md"]._replace(links=("posts/001.md",))
    lists, _ = made.rank(state)
    assert [reason.kind for reason in lists["posts/001.md"][0].reasons] == ["pin", "link"]
    assert "posts/001.md" in lists.touched


def test_a_new_post_is_cheap() -> None:
    made = blog(300)
    _, state = made.rank()
    made.loaded.clear()
    made.write("posts/new.md", prose(random.Random(5)), day=5000)
    lists, _ = made.rank(state)
    assert len(set(made.loaded)) < 30
    assert len(lists.touched) < 150
    assert dict(lists) == made.lists()


def corpus(made: Blog) -> Fact:
    found = tuple(made.posts.values())
    return Fact(digest(tuple(map(tuple, found))), lambda: found)


def test_nothing_is_read_when_only_a_title_changed() -> None:
    made = blog(300)
    _, state = made.rank()
    made.loaded.clear()
    made.posts["posts/005.md"] = made.posts["posts/005.md"]._replace(title="Another title")
    lists, _ = made.rank(state)
    assert made.loaded == []
    assert "posts/005.md" in lists.touched
    assert len(lists.touched) < 100


def test_another_length_starts_anew() -> None:
    made = blog(40)
    _, state = made.rank(keep=3)
    assert dict(made.rank(state, keep=6)[0]) == made.lists(keep=6)


def test_the_step_asks_for_the_corpus_and_for_the_terms_that_changed() -> None:
    made = three()

    def ask(shown: int = 1) -> Reader:
        return Reader(
            Facts(
                {
                    Setting: lambda query: fact(RelatedSettings(shown)),
                    Corpus: lambda query: corpus(made),
                    TermsOf: lambda query: fact(made.terms[query.path]),
                    SpellingOf: lambda query: fact(""),
                }
            )
        )

    rows, state = relate(ask(), None, Share())
    assert {path: (*row.first.decode(), *row.rest.decode()) for path, row in rows.items()} == {
        path: tuple(row) for path, row in made.lists().items()
    }
    assert {type(piece) for piece in state.values()} == {bytes}
    made.posts["a.md"] = made.posts["a.md"]._replace(title="Other")
    reader = ask()
    rows, _ = relate(reader, state, Share())
    assert {path: (*row.first.decode(), *row.rest.decode()) for path, row in rows.items()} == {
        path: tuple(row) for path, row in made.lists().items()
    }
    assert {type(query) for query in reader.asked} == {Setting, Corpus, SpellingOf}
    assert max(len(row.first.paths()) for row in rows.values()) == 1
    rows, _ = relate(ask(shown=0), state, Share())
    assert list(rows) == []


def test_numpy_is_imported_when_lists_are_made_only() -> None:
    code = "import sys, octavo.related.rank; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_site_that_shows_no_lists_asks_for_no_posts() -> None:
    reader = Reader(Facts({Setting: lambda query: fact(RelatedSettings(0))}))
    rows, state = relate(reader, None, Share())
    assert (list(rows), list(reader.asked)) == ([], [Setting("related")])
    assert list(relate(reader, state, Share())[0]) == []


def test_a_page_that_shows_many_gets_as_many_with_reasons() -> None:
    made = crowd(40)
    facts = Facts(
        {
            Setting: lambda query: fact(RelatedSettings(30)),
            Corpus: lambda query: corpus(made),
            TermsOf: lambda query: fact(made.terms[query.path]),
            SpellingOf: lambda query: fact(""),
        }
    )
    rows, _ = relate(Reader(facts), None, Share())
    first = rows["near00.md"].first.decode()
    assert len(first) == 30
    assert all(entry.reasons for entry in first)


def test_a_reason_is_told_as_the_authors_write_it() -> None:
    made = three()
    spelling = {"a.md": "\nsubquery\t`Subquery\n", "b.md": "\nqueryset\tQuerySet\n"}
    for path in made.posts:
        made.posts[path] = made.posts[path]._replace(spelling=digest(spelling.get(path, "")))

    def told(state: RankState | None = None) -> tuple[dict[str, bool], RelatedLists, RankState]:
        lists, state = rank(made.posts.values(), made.load, KEEP, state, lambda path: spelling.get(path, ""))
        (relation,) = lists["a.md"]
        return {reason.text: reason.code for reason in relation.reasons}, lists, state

    shown, _, state = told()
    assert shown == {"Django": False, "Subquery": True, "QuerySet of orders": False}
    spelling["b.md"] = ""
    made.posts["b.md"] = made.posts["b.md"]._replace(spelling=digest(""))
    made.loaded.clear()
    shown, lists, _ = told(state)
    assert shown == {"Django": False, "Subquery": True, "queryset of orders": False}
    assert {"a.md", "b.md"} <= lists.touched
    assert made.loaded == []


def test_a_word_and_its_plural_are_told_once() -> None:
    made = three()
    made.write("a.md", "book books\nqueryset subquery")
    made.write("b.md", "book books\nqueryset subquery")
    texts = [text for _, text in reasons(made, "a.md")]
    assert not {"book", "books"} <= set(texts)


def shown(lists: Rows, size: int) -> set[str]:
    return {relation.path for row in lists.values() for relation in row[:size]}


def test_some_list_leads_to_every_post() -> None:
    made = blog(60)
    made.write("posts/lone.md", "zebra")
    by_rank = made.lists()
    assert len(shown(by_rank, 2)) < 61
    lists = made.lists(reached=2)
    assert shown(lists, 2) == set(made.posts)
    changed = [path for path in lists if lists[path] != by_rank[path]]
    assert 0 < len(changed) < 30
    placed = [entry for row in lists.values() for entry in row if any(each.kind == "reach" for each in entry.reasons)]
    assert {entry.path for entry in placed} >= set(made.posts) - shown(by_rank, 2)
    assert all(len(row) <= KEEP for row in lists.values())


def test_a_post_is_not_brought_where_it_is_blocked_and_pins_stay() -> None:
    made = blog(30)
    everyone = sorted(made.posts)
    for path in everyone:
        made.posts[path] = made.posts[path]._replace(block=("posts/007.md",))
    made.posts["posts/003.md"] = made.posts["posts/003.md"]._replace(block=(), pin=("posts/004.md",))
    lists = made.lists(reached=2)
    holders = [path for path in everyone if "posts/007.md" in [entry.path for entry in lists[path][:2]]]
    assert holders == ["posts/003.md"]
    assert lists["posts/003.md"][0].path == "posts/004.md"
    assert shown(lists, 2) == set(everyone)


# Other languages: two posts on each of four things, in the words of every day.
OTHERS = {
    "de": {
        "brot": (
            "Sauerteig ansetzen: Roggenmehl und Wasser ruhen am Herd, bis die Hefe will.",
            "Was ein Brot mit Sauerteig braucht, ist Zeit am warmen Herd und gutes Roggenmehl.",
        ),
        "rad": (
            "Die Kette am Fahrrad ist trocken, also wird sie geölt, und die Bremse wird geprüft.",
            "Wenn die Bremse schleift, will sie eingestellt werden; auch die Kette am Fahrrad.",
        ),
        "garten": (
            "Im Garten blühen die Rosen, wenn man sie im Frühling schneidet und die Erde düngt.",
            "Rosen schneiden ist am besten im Frühling, bevor der Garten und die Erde trocken sind.",
        ),
        "datenbank": (
            "Eine Abfrage an die Datenbank war langsam, also bekam die Tabelle einen Index.",
            "Ein Index hilft der Datenbank, wenn die Abfrage nur am Rand der Tabelle sucht.",
        ),
    },
    "es": {
        "pan": (
            "La masa madre con harina de centeno descansa en el horno hasta que sube.",
            "El pan de centeno con masa madre no es como los demás: el horno ha de estar caliente.",
        ),
        "bicicleta": (
            "La cadena de la bicicleta está seca y el freno no va como antes.",
            "Si el freno roza, se ajusta; la cadena de la bicicleta se engrasa.",
        ),
        "jardín": (
            "En el jardín los rosales se podan en primavera y la tierra se abona.",
            "Podar los rosales en primavera es lo mejor para el jardín y la tierra.",
        ),
        "datos": (
            "La consulta a la base de datos era lenta y la tabla no tenía un índice.",
            "Un índice ayuda a la base de datos cuando la consulta no lee toda la tabla.",
        ),
    },
    "zh": {
        "面包": ("用黑麦面粉和酵母做面包，放在烤箱里慢慢发酵。", "黑麦面包的酵母要新鲜，烤箱要先预热。"),
        "自行车": ("自行车的链条干了，刹车也要检查。", "刹车有声音的时候，自行车的链条也要上油。"),
        "花园": ("春天的花园里要修剪玫瑰，再给土壤施肥。", "玫瑰在春天修剪，花园的土壤不要太干。"),
        "数据库": ("数据库的查询很慢，因为表没有索引。", "有了索引，数据库的查询就不用读整个表了。"),
    },
    "ja": {
        "パン": ("ライ麦のパンは酵母をゆっくり発酵させます。", "酵母を発酵させて、ライ麦のパンを焼きます。"),
        "自転車": (
            "自転車のチェーンに油をさして、ブレーキを調整します。",
            "ブレーキの調整のあとで、自転車のチェーンを見ます。",
        ),
        "庭": ("春の庭でバラを剪定して、土に肥料をやります。", "バラの剪定は春にします。庭の土には肥料が要ります。"),
        "データベース": (
            "データベースの検索が遅いので、索引を作りました。",
            "索引があれば、データベースの検索は速くなります。",
        ),
    },
}


@pytest.mark.parametrize("language", OTHERS)
def test_posts_of_other_languages_are_related_by_what_they_are_about(language: str) -> None:
    made = Blog(language)
    for topic, texts in OTHERS[language].items():
        for number, text in enumerate(texts):
            made.write(f"{topic}/{number}.md", text)
    for topic in OTHERS[language]:
        assert made.offered(f"{topic}/0.md")[0] == f"{topic}/1.md"
        assert made.offered(f"{topic}/1.md")[0] == f"{topic}/0.md"


@pytest.mark.parametrize(("language", "topic"), [("zh", "数据库"), ("ja", "データベース")])
def test_reasons_in_scripts_without_blanks_can_be_read(language: str, topic: str) -> None:
    made = Blog(language)
    for name, texts in OTHERS[language].items():
        for number, text in enumerate(texts):
            made.write(f"{name}/{number}.md", text, title=name, tags=(name,))
    reasons = made.lists()[f"{topic}/0.md"][0].reasons
    assert reasons[0].kind == "tag" and reasons[0].text == topic
    shown = [reason.text for reason in reasons]
    assert not any(" " in text for text in shown)
    assert all(text in "".join(OTHERS[language][topic]) for text in shown)
