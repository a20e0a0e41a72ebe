"""The application keeps to WSGI, by the standard library's own checker; a Flask object is the same kind of thing."""

from __future__ import annotations

import io
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import flask


def ask(application, path):
    environ = {"SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "", "wsgi.input": io.BytesIO()}
    setup_testing_defaults(environ)
    seen = []
    answer = validator(application)(environ, lambda status, headers, exc_info=None: seen.append(status))
    body = b"".join(answer)
    answer.close()
    return seen[0], body


assert ask(application, "/here") == ("200 OK", b"You asked for /here\n")

hello = flask.Flask("hello")
hello.add_url_rule("/", "hello", lambda: "Hello")
assert ask(hello, "/") == ("200 OK", b"Hello")
