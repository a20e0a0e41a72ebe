"""The claims around the samples: equal SQL, the complement, and the shape of what Django writes."""

from __future__ import annotations

import django


def sql(books):
    return str(books.query)


assert sql(Book.objects.exclude(genre="gothic")) == sql(Book.objects.filter(~Q(genre="gothic")))
assert sql(Book.objects.exclude(genre="gothic")).endswith(
    'WHERE NOT ("library_book"."genre" = gothic AND "library_book"."genre" IS NOT NULL)'
)
assert sorted(Book.objects.exclude(Q(genre="gothic") | Q(year__gt=1818)).values_list("pk")) == sorted(
    one_by_one.values_list("pk")
)
assert Book.objects.filter(Q(year__lt=1816) | ~Q(genre="novel")).count() == 4

with_none = set(Book.objects.exclude(genre__in=["novel", None]).values_list("title", flat=True))
if django.VERSION < (6, 0):
    assert with_none == {"Letters", "Frankenstein", "The Vampyre"}
elif django.VERSION >= (6, 1):
    assert with_none == {"Frankenstein", "The Vampyre"}

none = Author.objects.exclude(books__genre="novel")
assert "NOT (EXISTS(" in sql(none)
assert sql(none) == sql(Author.objects.filter(~Q(books__genre="novel")))

assert sql(Author.objects.exclude(books__genre="gothic", books__year__gt=1820)).count("EXISTS(") == 2
assert not Author.objects.filter(books__genre="gothic", books__year__gt=1820).exists()
