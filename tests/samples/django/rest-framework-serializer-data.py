"""The claims around the samples, on the installed Django REST framework."""

from __future__ import annotations

import json
import pickle
from collections import OrderedDict

from rest_framework.utils.serializer_helpers import ReturnDict

assert ReturnDict.__mro__ == (ReturnDict, dict, object)
assert not isinstance(many.data[0], OrderedDict)
assert type(serializer.data["author"]) is dict
assert serializer.data.copy().serializer is serializer
assert type(pickle.loads(pickle.dumps(serializer.data))) is dict

wrong = AuthorSerializer(data={})
assert not wrong.is_valid()
assert type(wrong.errors) is ReturnDict

try:
    AuthorSerializer(data={}).data
except AssertionError as error:
    assert "is_valid" in str(error)
else:
    raise AssertionError("data was given before validation")

try:
    incoming.save()
except AssertionError as error:
    assert "`.save()` after accessing `serializer.data`" in str(error), error
else:
    raise AssertionError("save() after data was allowed")

assert json.loads(json.dumps(serializer.data)) == serializer.data


class Stamp(serializers.Serializer):
    at = serializers.SerializerMethodField()

    def get_at(self, stamp):
        return datetime.date(2026, 6, 9)


assert JSONRenderer().render(Stamp({}).data) == b'{"at":"2026-06-09"}'
try:
    json.dumps(Stamp({}).data)
except TypeError:
    pass
else:
    raise AssertionError("json knows dates")

one, other = OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)
assert one != other
assert one == dict(other)
