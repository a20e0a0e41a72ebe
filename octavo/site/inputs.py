"""What a site is made from, as facts: its files, settings and build.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from octavo.base import urls
from octavo.base.diagnostics import Diagnostic
from octavo.base.digest import Digest, digest
from octavo.base.names import ASSETS_FOLDER
from octavo.engine.facts import Fact, fact, kept_fact
from octavo.model.pages import Layout
from octavo.model.queries import AssetInline, AssetText, AssetUrl, File, LayoutBytes, Setting, Source, Template
from octavo.model.settings import Settings
from octavo.site.assets import Asset, inline_asset
from octavo.site.build_posts import PublishPolicy
from octavo.site.extensions.load import Script
from octavo.site.page_facts import Resolvers


@dataclass(frozen=True)
class LayoutFile:
    """A layout of the site (``own``) or of the default theme.

    ``path`` is what problems call it.
    """

    path: str
    content: Fact
    own: bool


@dataclass(frozen=True)
class Inputs:
    """All that a site is made from.

    Each file is a fact whose content is read when it is needed.

    ``posts`` and ``files`` are by path relative to the site (sources, and the other files below ``posts/``);
    ``layouts`` and ``assets`` by name; ``file`` finds any file of the site for build.py.
    """

    posts: Mapping[str, Fact]
    files: Mapping[str, Fact]
    layouts: Mapping[str, LayoutFile]
    assets: Mapping[str, Fact]
    file: Callable[[str], Fact]
    settings: Settings
    script: Script
    policy: PublishPolicy
    problems: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class StaticOutput:
    """A published file that no layout makes.

    ``origin`` is the input it is a copy of; ``content`` is set when it was rewritten.
    """

    digest: Digest
    origin: str
    content: bytes | None = None


def input_facts(inputs: Inputs) -> Resolvers:
    """The facts that come straight from files and settings."""

    def layout_bytes(query: LayoutBytes) -> Fact:
        layout = inputs.layouts.get(query.name)
        return fact(None) if layout is None else layout.content

    return {
        Source: lambda query: inputs.posts.get(query.path) or fact(None),
        Setting: lambda query: fact(getattr(inputs.settings, query.name)),
        Template: layout_facts(inputs),
        LayoutBytes: layout_bytes,
        File: lambda query: inputs.file(query.path),
    }


def layout_facts(inputs: Inputs) -> Callable[[Template], Fact]:
    """What answers ``Template``."""

    def template(query: Template) -> Fact:
        layout = inputs.layouts.get(query.name)
        if layout is None:
            return fact(None)
        path, content = layout.path, layout.content
        return kept_fact(
            digest((path, content.digest)), lambda: Layout(path, content.load().decode("utf-8-sig", "replace"))
        )

    return template


def asset_facts(assets: Mapping[str, Asset], inputs: Inputs) -> Resolvers:
    """The facts about published assets."""
    base_url = inputs.settings.base_url

    def url(query: AssetUrl) -> Fact:
        asset = assets.get(query.name)
        return fact(None if asset is None else urls.href(asset.url, base_url))

    def text(query: AssetText) -> Fact:
        asset = assets.get(query.name)
        if asset is None:
            return fact(None)
        if asset.content is not None:
            return fact(asset.content.decode("utf-8", "replace"))
        source = inputs.assets[query.name]
        return kept_fact(digest(("text", source.digest)), lambda: source.load().decode("utf-8-sig", "replace"))

    @cache
    def inline(query: AssetInline) -> Fact:
        content = text(AssetText(query.name)).load()
        asset = assets.get(query.name)
        if asset is None or len(content.encode()) > inputs.settings.inline:
            return fact(None)
        return fact(inline_asset(asset, content, base_url))

    return {AssetUrl: url, AssetText: text, AssetInline: inline}


def collect_static_outputs(
    assets: Mapping[str, Asset], attached: Mapping[str, str], inputs: Inputs
) -> dict[str, StaticOutput]:
    """The files that no layout makes, by output path."""
    copies = {
        urls.output_path(asset.url): StaticOutput(asset.digest, ASSETS_FOLDER + asset.name, asset.content)
        for asset in assets.values()
    }
    for path, url in attached.items():
        copies[urls.output_path(url)] = StaticOutput(inputs.files[path].digest, path)
    return copies
