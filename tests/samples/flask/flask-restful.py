"""The claims around the samples: status codes, bundled errors, the trap of the default location, and booleans."""

from __future__ import annotations

from flask_restful import inputs
from werkzeug.exceptions import HTTPException

assert client.put("/tasks").status_code == 405
assert client.get("/tasks/1").json["url"] == "http://localhost/tasks/1"
assert client.get("/tasks/9").status_code == 404
assert client.post("/tasks", json={}).status_code == 400
assert client.delete("/tasks/2").status_code == 204
assert list(tasks) == [1]
assert client.patch("/tasks/1", json={"title": "Water them"}).json["done"] is False

with app.test_request_context("/tasks", method="POST", json={}):
    bundled = reqparse.RequestParser(bundle_errors=True)
    bundled.add_argument("one", required=True, location="json")
    bundled.add_argument("two", required=True, location="json")
    try:
        bundled.parse_args()
    except HTTPException as error:
        assert error.code == 400
        assert set(error.data["message"]) == {"one", "two"}
    else:
        raise AssertionError("missing arguments were accepted")


class Pages(Resource):
    def get(self):
        parser = reqparse.RequestParser()
        parser.add_argument("page", type=int)
        return parser.parse_args()


class Found(Resource):
    def get(self):
        parser = reqparse.RequestParser()
        parser.add_argument("page", type=int, location="args")
        parser.add_argument("done", type=inputs.boolean, location="args")
        return parser.parse_args()


other = Flask("other")
pages = Api(other)
pages.add_resource(Pages, "/pages")
pages.add_resource(Found, "/found")
assert other.test_client().get("/pages?page=2").status_code == 415
assert other.test_client().get("/found?page=2&done=false").json == {"page": 2, "done": False}
assert bool("false") is True

keyed = Flask("keyed")
keyed.config["API_KEY"] = "secret"
app.config["API_KEY"] = "secret"
Api(keyed).add_resource(Report, "/report")
assert keyed.test_client().get("/report").status_code == 401
assert keyed.test_client().get("/report", headers={"X-Api-Key": "secret"}).json == {"open": 1}


class Open(Resource):
    def get(self):
        return "open"


guarded = Flask("guarded")
Api(guarded, decorators=[needs_key]).add_resource(Open, "/open")
assert guarded.test_client().get("/open").status_code == 401

try:
    api.add_resource(Report, "/report")
except AssertionError as error:
    assert "already handled its first request" in str(error)
else:
    raise AssertionError("a route was added after the first request")
