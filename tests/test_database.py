"""A database that a stranger may have put there: what is in it is data, or it is refused before anything is read."""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path

import pytest

from octavo.engine.database import ASIDE, Foreign, open_database, set_aside

SCHEMA = "CREATE TABLE pages (path TEXT PRIMARY KEY, digest BLOB);"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with one row, closed."""
    file = tmp_path / "cache" / "x.db"
    file.parent.mkdir()
    connection = open_database(file, SCHEMA)
    connection.execute("INSERT INTO pages VALUES ('a', x'00')")
    connection.close()
    return file


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def rows(path: Path) -> list[str]:
    connection = open_database(path, SCHEMA)
    found = [row[0] for row in connection.execute("SELECT path FROM pages")]
    connection.close()
    return found


def test_what_was_written_is_there_again(path: Path) -> None:
    assert rows(path) == ["a"]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE more (x)",
        "ALTER TABLE pages ADD COLUMN more TEXT",
        "CREATE INDEX more ON pages (digest)",
        "CREATE VIEW more AS SELECT * FROM pages",
        "CREATE TRIGGER more AFTER INSERT ON pages BEGIN DELETE FROM pages; END",
        "DROP TABLE pages",
        "ALTER TABLE pages RENAME TO other",
    ],
)
def test_a_file_that_declares_anything_else_is_refused(path: Path, statement: str) -> None:
    change(path, statement, *(["CREATE TABLE x (y)"] if statement.startswith("DROP") else []))
    with pytest.raises(Foreign, match="another version"):
        open_database(path, SCHEMA)


@pytest.mark.parametrize("content", [b"not a database, but long enough" * 100, b"SQLite format 3\0" + bytes(4080)])
def test_a_file_that_is_no_database_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(Foreign):
        open_database(path, SCHEMA)


def test_a_folder_in_the_place_of_the_file_is_refused(path: Path) -> None:
    path.unlink()
    path.mkdir()
    with pytest.raises(Foreign, match="not a regular file"):
        open_database(path, SCHEMA)


def hot_journal(names: Path, pages: int = 3) -> bytes:
    """A rollback journal for an empty transaction on a file of so many ``pages``, which says that it is one of several:
    ``names`` is the record of those, and SQLite removes it when it rolls back. (SQLite's file format, "The rollback
    journal"; its name and checksum at the end are those of a super-journal.)"""
    magic = bytes((0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7))
    header = magic + struct.pack(">IIIII", 0, 0, pages, 512, 4096)
    name = str(names).encode()
    checksum = sum(name)
    # The page that holds the lock byte, the name, its length and checksum, and the magic once more.
    trailer = struct.pack(">I", (1 << 30) // 4096 + 1) + name + struct.pack(">II", len(name), checksum) + magic
    return header.ljust(512, b"\0") + trailer


def test_a_rollback_journal_is_never_read(path: Path, tmp_path: Path) -> None:
    change(path, "PRAGMA journal_mode = DELETE")
    journal = path.with_name("x.db-journal")
    precious = tmp_path / "precious"
    precious.write_text("mine")
    journal.write_bytes(hot_journal(precious))
    assert rows(path) == ["a"]
    assert precious.read_text() == "mine"
    assert not journal.exists()


def test_without_our_care_sqlite_would_remove_the_file_that_a_journal_names(path: Path, tmp_path: Path) -> None:
    """Shows that the journal of the test above is one that does harm."""
    change(path, "PRAGMA journal_mode = DELETE")
    precious = tmp_path / "precious"
    precious.write_text("mine")
    path.with_name("x.db-journal").write_bytes(hot_journal(precious))
    connection = sqlite3.connect(path)
    connection.execute("SELECT * FROM pages").fetchall()
    connection.close()
    assert not precious.exists()


def test_a_log_whose_file_is_gone_belongs_to_nothing(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO pages VALUES ('b', x'00')")
    connection.commit()
    path.with_name("kept").write_bytes(path.with_name("x.db-wal").read_bytes())
    connection.close()
    path.unlink()
    path.with_name("kept").rename(path.with_name("x.db-wal"))
    assert rows(path) == []


def test_what_is_set_aside_takes_the_place_of_what_was_before(path: Path) -> None:
    data = path.read_bytes()
    set_aside(path)
    assert not path.exists()
    assert (path.parent / ASIDE / "x.db").read_bytes() == data
    path.mkdir()
    (path / "inside").touch()
    set_aside(path)
    assert [each.name for each in (path.parent / ASIDE).rglob("*")] == ["x.db", "inside"]


def test_a_link_in_the_place_of_the_folder_is_not_followed(path: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x.db").write_text("mine")
    (path.parent / ASIDE).symlink_to(elsewhere)
    set_aside(path)
    assert (elsewhere / "x.db").read_text() == "mine"
    assert (path.parent / ASIDE / "x.db").exists()
