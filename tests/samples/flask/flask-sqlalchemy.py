"""The claims around the samples: names, errors, the table of reads, counted queries, and pages."""

from __future__ import annotations

from contextvars import Context

import sqlalchemy.exc
from flask_sqlalchemy.record_queries import get_recorded_queries
from sqlalchemy import event
from werkzeug.exceptions import NotFound

assert (Author.__tablename__, Book.__tablename__) == ("author", "book")
assert Author.__table__.c.born.nullable
assert not Author.__table__.c.name.nullable


def fails(error, function, *args):
    try:
        function(*args)
    except error as raised:
        return str(raised)
    raise AssertionError(f"no {error.__name__}")


emma = db.select(Book).where(Book.title == "Emma")
none = db.select(Book).where(Book.title == "Ulysses")
assert db.session.get(Book, 1).title == "Emma"
assert db.session.get(Book, 99) is None
fails(NotFound, db.get_or_404, Book, 99)
fails(NotFound, db.one_or_404, none)
assert db.one_or_404(emma) is db.session.scalars(emma).one() is db.session.scalars(emma).first()
fails(sqlalchemy.exc.NoResultFound, db.session.scalars(none).one)
assert db.session.scalars(none).first() is None
assert Book.query.filter_by(title="Emma").first().title == "Emma"

no_late_book = db.select(Author.name).where(~Author.books.any(Book.year > 1817))
assert db.session.scalars(no_late_book).all() == ["Jane Austen"]
assert "NOT (EXISTS" in str(no_late_book)

statements = []
event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))


def queries(options):
    db.session.expire_all()
    db.session.expunge_all()
    statements.clear()
    for author in db.session.scalars(db.select(Author).options(*options)):
        list(author.books)
    return len(statements)


assert queries([]) == 1 + 2
assert queries([selectinload(Author.books)]) == 2
assert callable(get_recorded_queries)

with app.app_context():
    db.session.add(Author(name="Fanny Burney"))
    db.session.flush()
assert db.session.scalars(db.select(Author).where(Author.name == "Fanny Burney")).first() is None


@app.get("/unlimited")
def unlimited():
    return {"size": db.paginate(db.select(Book)).per_page}


client = app.test_client()
assert client.get("/books").json == {"titles": ["Emma", "Persuasion"], "page": 1, "pages": 2, "next": 2}
assert client.get("/books?page=2&per_page=9").json["titles"] == ["Frankenstein"]
assert client.get("/books?page=3").status_code == 404

assert client.get("/unlimited").json == {"size": 20}
assert client.get("/unlimited?per_page=1000000").json == {"size": 1_000_000}

outside = Context().run(fails, RuntimeError, lambda: db.session.get(Book, 1))
assert outside.startswith("Working outside of application context.")
