"""A visitor signs up, gets it wrong in each way, and a request without a token is refused."""

from __future__ import annotations

import io
import re

from flask import session
from werkzeug.datastructures import FileStorage, MultiDict

client = app.test_client()


def token():
    return re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', client.get("/signup").text)[1]


good = {"name": "Grace", "password": "correct horse", "again": "correct horse", "terms": "y"}


def submit(**changes):
    return client.post("/signup", data={**good, "csrf_token": token(), **changes})


assert "This name is taken." in submit(name="Ada").text
assert "The passwords differ." in submit(again="something else").text
assert "This field is required." in submit(name="").text
assert "Field must be between 2 and 30 characters long." in submit(name="x").text

done = submit()
assert done.status_code == 302
assert "Welcome, Grace!" in client.get(done.location).text
assert "grace" in taken

page = client.get("/signup").text
assert 'maxlength="30"' in page
assert "required" in page

assert client.post("/like").status_code == 400
assert client.post("/signup", data=good).status_code == 400
assert client.post("/like", headers={"X-CSRFToken": token()}).json == {"likes": 1}
assert app.config["WTF_CSRF_TIME_LIMIT"] == 3600
assert app.config["WTF_CSRF_METHODS"] == {"POST", "PUT", "PATCH", "DELETE"}
assert app.config["WTF_CSRF_SSL_STRICT"] is True

# without CSRFProtect, the form alone refuses, and says so in form.errors only
alone = Flask("alone")
alone.config["SECRET_KEY"] = "alone"
with alone.test_request_context("/", method="POST", data={**good, "name": "Hedy"}):
    form = SignupForm()
    assert not form.validate_on_submit()
    assert set(form.errors) == {"csrf_token"}

app.config["WTF_CSRF_ENABLED"] = False
for name, fits in [("me.png", True), ("me.exe", False)]:
    upload = MultiDict({"image": FileStorage(io.BytesIO(b"x"), filename=name)})
    with app.test_request_context("/", method="POST"):
        form = AvatarForm(upload)
        assert form.validate() is fits, form.errors
