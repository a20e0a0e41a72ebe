"""The same cookbook as a Django project in one module."""

from __future__ import annotations

import django
from django.conf import settings
from django.http import Http404, HttpResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["testserver", "recipes.example"])
django.setup()

recipes = {"bread": "Flour, water, salt, time.", "soup": "Onions, and patience."}


def index(request):
    return HttpResponse(request.build_absolute_uri("/"))


def recipe(request, name):
    if name not in recipes:
        raise Http404
    return HttpResponse(recipes[name])


urlpatterns = [path("", index, name="index"), path("recipes/<name>/", recipe, name="recipe")]
