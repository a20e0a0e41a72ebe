"""Django with its default cache, and something slow to compute."""

from __future__ import annotations

import django
from django.conf import settings

settings.configure()
django.setup()

computed = []


def compute_prices():
    computed.append("once")
    return {"bread": 3}
