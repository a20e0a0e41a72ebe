"""The claims around the samples: the SQL by hand, the errors, and the alternatives."""

from __future__ import annotations

from pathlib import Path

from django.db.models.functions import Coalesce

with connection.cursor() as cursor:
    cursor.execute(Path("newest.sql").read_text("utf-8"))
    assert cursor.fetchall() == [(author.name, author.newest) for author in authors]

try:
    list(newest)
except ValueError as error:
    assert "may only be used in a subquery" in str(error)
else:
    raise AssertionError("a queryset with OuterRef ran by itself")

# SQLite takes the first row where [:1] is missing
one = Author.objects.annotate(newest=Subquery(newest.values("title"))).get(name="Austen")
assert one.newest in {"Emma", "Persuasion"}

# distinct=True repairs the count, not a sum of equal amounts
repaired = Author.objects.annotate(n=Count("books", distinct=True), sold=Sum("books__sales__amount"))
assert repaired.get(name="Austen").n == 2

assert Author.objects.annotate(sold=Coalesce(Subquery(sold), 0)).get(name="Polidori").sold == 0

joined = Author.objects.filter(books__sales__isnull=False).values_list("name", flat=True)
assert sorted(joined) == ["Austen", "Austen", "Shelley"]
assert sorted(joined.distinct()) == ["Austen", "Shelley"]

assert authors.explain()
assert Book._meta.get_field("author").db_index
