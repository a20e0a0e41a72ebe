"""Images: what a page shows, what is published, and what is made anew after an edit."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms, ImageDraw

from octavo.images import encode, probe
from octavo.images.variants import pack_variants, read_heading, unpack_variants
from octavo.model.images import ImageOrder
from tests.sites import SiteFolder, places, post

MakeSite = Callable[[str], SiteFolder]

IMAGES = "assets/images/"


def pixel(image: Image.Image, at: tuple[int, int]) -> tuple[int, ...]:
    """A pixel of an image that has several channels."""
    value = image.getpixel(at)
    assert isinstance(value, tuple)
    return value


def scene(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Red above, blue below: an image that tells which way is up."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    image.paste((30, 30, 200), (0, height // 2, width, height))
    return image.convert(mode)


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def jpeg(width: int = 900, height: int = 600, **options: Any) -> bytes:
    return saved(scene(width, height), "JPEG", **options)


def camera_exif(orientation: int = 6) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x0110] = "A camera"
    place = exif.get_ifd(0x8825)
    place[1], place[2] = "N", (50.0, 4.0, 3.0)
    return exif


def images(folder: SiteFolder) -> dict[str, bytes]:
    """The images that were made, by the end of their name: width and format."""
    return {path.rpartition("-")[2]: data for path, data in folder.output().items() if path.startswith(IMAGES)}


def element(page: str) -> str:
    found = re.search(r"<picture>.*?</picture>|<img[^>]*>", page)
    assert found is not None
    return found[0]


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs of variants, as they are encoded in this process."""
    urls: list[str] = []
    real = encode.encode

    def counting(data: bytes, order: ImageOrder) -> dict[str, bytes]:
        urls.extend(variant.url for variant in order.variants)
        return real(data, order)

    monkeypatch.setattr(encode, "encode", counting)
    return urls


def shown(site: MakeSite, name: str, data: bytes, settings: str = "") -> SiteFolder:
    """A site with one post that shows one image."""
    folder = site("").write("posts/a.md", post(body=f"![An image]({name})\n")).write(f"posts/{name}", data)
    if settings:
        folder.replace("pyproject.toml", "[tool.octavo]\n", f"[tool.octavo]\n{settings}\n")
    folder.built()
    return folder


# What a page gets.


def test_a_photo_is_offered_in_sizes_and_formats(site: MakeSite) -> None:
    folder = shown(site, "photo.jpg", jpeg(1600, 1200))
    made = images(folder)
    assert sorted(made) == ["1280.avif", "1280.webp", "480.avif", "480.webp", "800.avif", "800.webp"]
    for name, data in made.items():
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == (int(name.split(".")[0]), round(int(name.split(".")[0]) * 0.75))
            assert image.format == name.split(".")[1].upper()
    found = element(folder.page("/posts/a/"))
    stem = next(path for path in folder.output() if path.startswith(IMAGES)).rpartition("-")[0]
    sets = {
        form: ", ".join(f"/{stem}-{width}.{form} {width}w" for width in (480, 800, 1280)) for form in ("avif", "webp")
    }
    sizes = 'sizes="(min-width: 42rem) 42.5rem, calc(100vw - 2.5rem)"'
    assert found == (
        f'<picture><source type="image/avif" srcset="{sets["avif"]}" {sizes}>'
        f'<img src="/{stem}-1280.webp" srcset="{sets["webp"]}" {sizes} alt="An image" decoding="async" '
        'width="1280" height="960"></picture>'
    )


def test_an_image_is_never_larger_than_its_file(site: MakeSite) -> None:
    assert sorted(images(shown(site, "photo.jpg", jpeg(600, 400)))) == [
        "480.avif",
        "480.webp",
        "600.avif",
        "600.webp",
    ]


def test_a_width_written_by_the_author_keeps_the_shape(site: MakeSite) -> None:
    folder = shown(site, "photo.jpg", jpeg(900, 600))
    folder.replace("posts/a.md", "(photo.jpg)", "(photo.jpg){width=300}")
    folder.built()
    found = element(folder.page("/posts/a/"))
    assert 'width="300"' in found and 'height="200"' in found and 'sizes="300px"' in found


def test_the_settings_choose_widths_formats_and_sizes(site: MakeSite) -> None:
    folder = shown(site, "photo.jpg", jpeg(), 'images = { formats = ["webp"], widths = [100, 50], sizes = "50vw" }')
    assert sorted(images(folder)) == ["100.webp", "50.webp"]
    assert 'sizes="50vw"' in element(folder.page("/posts/a/"))


def test_without_formats_every_image_is_published_as_it_is(site: MakeSite) -> None:
    folder = shown(site, "photo.jpg", jpeg(), "images = { formats = [] }")
    assert images(folder) == {}
    assert folder.output()["posts/photo.jpg"] == jpeg()
    assert element(folder.page("/posts/a/")) == (
        '<img src="/posts/photo.jpg" alt="An image" decoding="async" width="900" height="600">'
    )


def test_every_address_of_an_image_honours_the_path_of_base_url(site: MakeSite) -> None:
    folder = shown(site, "photo.jpg", jpeg())
    folder.replace("pyproject.toml", "test.example", "test.example/blog")
    folder.replace("posts/a.md", "title:", "image: photo.jpg\ntitle:")
    folder.built()
    page = folder.page("/posts/a/")
    addresses = re.findall(r'(?:/|https:)[^\s",]*assets/images/[^\s",]+', page)
    assert len(addresses) > 10
    assert {address.split("assets/")[0] for address in addresses} == {"/blog/", "https://test.example/blog/"}


def test_a_feed_gets_one_whole_address(site: MakeSite) -> None:
    feed = shown(site, "photo.jpg", jpeg()).page("/feed.xml")
    assert "&lt;img src=&#34;https://test.example/assets/images/" in feed
    assert "srcset" not in feed and "loading" not in feed


def test_an_asset_is_shown_like_an_image_beside_the_post(site: MakeSite) -> None:
    folder = site("").write("posts/a.md", post(body="![x](/assets/pics/a.jpg)\n")).write("assets/pics/a.jpg", jpeg())
    folder.built()
    assert element(folder.page("/posts/a/")).startswith("<picture>")
    assert "800.webp" in images(folder)


# What becomes of the pixels.


def test_a_photo_of_twelve_megapixels_comes_out_upright_small_and_without_what_the_camera_wrote(site: MakeSite) -> None:
    data = saved(scene(4000, 3000), "JPEG", exif=camera_exif(6), comment=b"a comment")
    folder = shown(site, "photo.jpg", data)
    made = images(folder)
    assert sum(map(len, made.values())) < 100_000
    for written in made.values():
        assert b"A camera" not in written and b"a comment" not in written
        with Image.open(io.BytesIO(written)) as image:
            assert not {"exif", "xmp", "comment"} & set(image.info)
            assert image.height > image.width
            # Turned by a quarter clockwise, what was above is at the right.
            red = image.convert("RGB").getpixel((image.width - 5, 5))
            blue = image.convert("RGB").getpixel((5, 5))
            assert isinstance(red, tuple) and isinstance(blue, tuple)
            assert red[0] > 150 > red[2] and blue[2] > 150 > blue[0]
    assert 'width="1280" height="1707"' in element(folder.page("/posts/a/"))
    assert "posts/photo.jpg" not in folder.output()


@pytest.mark.parametrize("turn", range(1, 9))
def test_an_image_is_turned_as_its_file_says(site: MakeSite, turn: int) -> None:
    from PIL import ImageOps

    image = scene(90, 60)
    image.paste((30, 200, 30), (0, 0, 20, 10))
    data = saved(image, "PNG", exif=camera_exif(turn))
    folder = shown(site, "a.png", data, 'images = { formats = ["webp"] }')
    with Image.open(io.BytesIO(data)) as source:
        right = ImageOps.exif_transpose(source)
    (made,) = images(folder).values()
    with Image.open(io.BytesIO(made)) as image:
        assert image.size == right.size
        for corner in ((3, 3), (right.width - 4, 3), (3, right.height - 4)):
            pairs = zip(pixel(image, corner), pixel(right, corner), strict=True)
            assert all(abs(one - other) < 40 for one, other in pairs)


def test_colours_are_those_of_the_web(site: MakeSite) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    lab = saved(Image.new("LAB", (200, 200), (160, 200, 128)), "TIFF")
    assert lab and profile
    swapped = saved(Image.new("CMYK", (200, 200), (0, 255, 255, 0)), "JPEG")
    made = images(shown(site, "cmyk.jpg", swapped, 'images = { formats = ["webp"] }'))
    with Image.open(io.BytesIO(made["200.webp"])) as image:
        red, green, blue = pixel(image.convert("RGB"), (100, 100))
        assert red > 200 and green < 60 and blue < 60
        assert "icc_profile" not in image.info


def kinds() -> Iterator[tuple[str, bytes, tuple[int, int], set[str]]]:
    """Name, content, shown size, and the copies made of it; none where the file is published as it is."""
    yield "photo.jpg", jpeg(300, 200), (300, 200), {"300.avif", "300.webp"}
    yield "progressive.jpeg", jpeg(300, 200, progressive=True), (300, 200), {"300.avif", "300.webp"}
    yield "cmyk.jpg", saved(scene(300, 200, "CMYK"), "JPEG"), (300, 200), {"300.avif", "300.webp"}
    yield "palette.png", saved(scene(300, 200, "P"), "PNG"), (300, 200), {"300.webp"}
    yield "screen.png", saved(scene(900, 300, "P"), "PNG"), (900, 300), {"900.webp"}
    wide = {f"{width}.{form}" for width in (480, 800, 1280) for form in ("avif", "webp")}
    yield "wide.png", saved(scene(1500, 300, "P"), "PNG"), (1280, 256), wide
    yield "alpha.png", saved(scene(300, 200, "RGBA"), "PNG"), (300, 200), {"300.avif", "300.webp"}
    deep = Image.new("I;16", (300, 200), 40_000)
    yield "deep.png", saved(deep, "PNG"), (300, 200), {"300.avif", "300.webp"}
    yield "still.gif", saved(scene(300, 200, "P"), "GIF"), (300, 200), {"300.webp"}
    frames = [scene(300, 200), scene(300, 200).rotate(180)]
    yield "moves.gif", saved(frames[0], "GIF", save_all=True, append_images=frames[1:]), (300, 200), set()
    yield "moves.webp", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]), (300, 200), set()
    yield "photo.webp", saved(scene(300, 200), "WEBP"), (300, 200), {"300.avif", "300.webp"}
    yield "photo.avif", saved(scene(300, 200), "AVIF"), (300, 200), {"300.avif", "300.webp"}
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 200"><script>1</script></svg>'
    yield "drawing.svg", svg, (300, 200), set()
    yield "tiny.png", saved(scene(1, 1), "PNG"), (1, 1), {"1.webp"}
    yield "tall.png", saved(scene(100, 20_000), "PNG"), (80, 16_000), {"80.avif", "80.webp"}


@pytest.mark.parametrize(
    ("name", "data", "size", "made"), list(kinds()), ids=lambda value: value if type(value) is str else ""
)
def test_every_kind_of_image(site: MakeSite, name: str, data: bytes, size: tuple[int, int], made: set[str]) -> None:
    folder = shown(site, name, data)
    found = element(folder.page("/posts/a/"))
    assert f'width="{size[0]}" height="{size[1]}"' in found
    assert set(images(folder)) == made
    assert (f"posts/{name}" in folder.output()) == (not made)
    for name, written in images(folder).items():
        with Image.open(io.BytesIO(written)) as image:
            assert image.width == int(name.partition(".")[0])
            assert image.height == round(image.width * size[1] / size[0])


def test_a_picture_of_few_colours_is_shown_as_sharp_as_it_is_and_no_larger(site: MakeSite) -> None:
    screen = Image.new("L", (900, 300), 250)
    ImageDraw.Draw(screen).multiline_text((9, 9), "\n".join(f"{n}  print(row.total)" for n in range(18)), fill=40)
    data = saved(screen.quantize(8), "PNG")
    (made,) = images(shown(site, "screen.png", data)).values()
    assert len(made) < len(data)
    with Image.open(io.BytesIO(made)) as image, Image.open(io.BytesIO(data)) as source:
        assert image.convert("RGB").tobytes() == source.convert("RGB").tobytes()


def test_transparency_and_sixteen_bits_are_kept_as_they_look(site: MakeSite) -> None:
    half = Image.new("RGBA", (100, 100), (200, 0, 0, 128))
    folder = shown(site, "half.png", saved(half, "PNG"), 'images = { formats = ["webp"] }')
    with Image.open(io.BytesIO(images(folder)["100.webp"])) as image:
        assert pixel(image, (50, 50))[3] == 128
    folder.delete("posts/half.png").write("posts/half.png", saved(Image.new("I;16", (100, 100), 32_896), "PNG"))
    folder.built()
    with Image.open(io.BytesIO(images(folder)["100.webp"])) as image:
        grey = image.convert("L").getpixel((50, 50))
        assert isinstance(grey, int) and abs(grey - 128) < 4


# What cannot be shown so.


def problems_of(site: MakeSite, name: str, data: bytes, settings: str = "") -> list[str]:
    folder = site("").write("posts/a.md", post(image=name, body=f"Words.\n\n![x]({name})\n"))
    folder.write(f"posts/{name}", data)
    if settings:
        folder.replace("pyproject.toml", "[tool.octavo]\n", f"[tool.octavo]\n{settings}\n")
    return places(folder.build().problems)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.png", b""),
        ("text.jpg", b"not an image"),
        ("cut.png", saved(scene(300, 200), "PNG")[:20]),
        ("cut.jpg", jpeg()[:30]),
        ("cut.svg", b"<svg><g></svg>"),
        ("page.svg", b"<html/>"),
        ("phone.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)),
    ],
)
def test_what_cannot_be_read_is_published_as_it_is_with_a_warning_where_it_is_shown(
    site: MakeSite, name: str, data: bytes
) -> None:
    assert problems_of(site, name, data) == ["posts/a.md:4:8: image", "posts/a.md:8:1: image"]


def test_an_image_of_too_many_pixels_is_never_decoded(site: MakeSite, encoded: list[str]) -> None:
    bomb = saved(Image.new("1", (20_000, 10_000)), "PNG")
    assert problems_of(site, "bomb.png", bomb) == ["posts/a.md:4:8: image", "posts/a.md:8:1: image"]
    assert encoded == []


def test_an_image_that_breaks_off_is_an_error_that_names_it(site: MakeSite) -> None:
    data = jpeg(1600, 1200)
    assert places(shown_or_not(site, data[: len(data) // 2])) == ["posts/photo.jpg: image"]


def shown_or_not(site: MakeSite, data: bytes) -> Any:
    folder = site("").write("posts/a.md", post(body="![x](photo.jpg)\n")).write("posts/photo.jpg", data)
    report = folder.build()
    assert report.status == 1
    return folder.build().problems


SCRIPTED = b'<svg xmlns="http://www.w3.org/2000/svg" width="3" height="2">%s</svg>'


@pytest.mark.parametrize(
    "inside",
    [
        b"<script>1</script>",
        b'<g onload="x()"/>',
        b"<foreignObject/>",
        b'<a href=" javascript:x()"/>',
        b'<a xmlns:x="http://www.w3.org/1999/xlink" x:href="javascript:x()"/>',
        b'<animate attributeName="href" to="javascript:x()"/>',
    ],
)
@pytest.mark.parametrize(("policy", "problems"), [("allow", 0), ("sanitize", 2), ("error", 2)])
def test_an_svg_that_could_run_is_published_only_where_raw_html_is(
    site: MakeSite, inside: bytes, policy: str, problems: int
) -> None:
    found = problems_of(site, "a.svg", SCRIPTED % inside, f'raw_html = "{policy}"')
    assert found == ["posts/a.md:4:8: image", "posts/a.md:8:1: image"][:problems]


def test_an_entity_of_an_svg_is_never_expanded(site: MakeSite) -> None:
    bomb = b'<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>'
    assert problems_of(site, "a.svg", bomb, 'raw_html = "error"') != []


def test_a_photo_that_tells_its_place_is_a_warning_only_where_it_is_published_as_it_is(site: MakeSite) -> None:
    folder = shown(site, "photo.jpg", jpeg(exif=camera_exif(1)))
    assert places(folder.built().problems) == []
    folder.replace("posts/a.md", "![An", "[whole](photo.jpg) ![An")
    assert places(folder.built().problems) == ["posts/photo.jpg: location"]
    assert "posts/photo.jpg" in folder.output()


# What is published.


def test_of_a_photo_in_a_posts_folder_only_copies_are_published(site: MakeSite) -> None:
    folder = site("").write("posts/cat/index.md", post(body="![x](shown.jpg) [y](linked.jpg)\n", image="cover.jpg"))
    for number, name in enumerate(("shown", "linked", "cover", "other")):
        folder.write(f"posts/cat/{name}.jpg", jpeg(100 + number, 80))
    folder.built()
    published = {path for path in folder.output() if path.startswith("posts/cat/")}
    assert published == {"posts/cat/index.html", "posts/cat/linked.jpg", "posts/cat/other.jpg"}


def test_raw_html_gets_the_file_itself(site: MakeSite) -> None:
    folder = site("").write("posts/a.md", post(body='![x](p.jpg)\n\n<img src="p.jpg" alt="x">\n'))
    folder.write("posts/p.jpg", jpeg())
    folder.built()
    assert '<img src="/posts/p.jpg" alt="x">' in folder.page("/posts/a/")
    assert "posts/p.jpg" in folder.output()


def test_a_mistyped_name_is_told_by_that_of_an_image_of_which_copies_are_published(site: MakeSite) -> None:
    folder = shown(site, "photo.jpg", jpeg())
    folder.write("posts/b.md", post("B", body="![x](phto.jpg)\n"))
    (problem,) = folder.build().problems
    assert "photo.jpg" in problem.hint


# What is made, and when.


def test_nothing_is_encoded_again_while_the_photo_stays(site: MakeSite, encoded: list[str]) -> None:
    folder = shown(site, "photo.jpg", jpeg())
    assert len(encoded) == 6
    encoded.clear()
    folder.replace("posts/a.md", "An image", "Another text")
    assert folder.built().written
    folder.built(fresh=True)
    folder.write("layouts/404.html", "x").built()
    assert encoded == []


def test_another_photo_is_encoded_and_no_other(site: MakeSite, encoded: list[str]) -> None:
    folder = shown(site, "photo.jpg", jpeg())
    folder.write("posts/b.md", post("B", body="![x](b.jpg)\n")).write("posts/b.jpg", jpeg(300, 100)).built()
    encoded.clear()
    folder.write("posts/b.jpg", jpeg(300, 120))
    report = folder.built()
    assert [url.rpartition("-")[2] for url in encoded] == ["300.avif", "300.webp"]
    assert "/posts/a/" not in report.rendered
    assert len([path for path in report.removed if path.startswith(IMAGES)]) == 2


def test_two_files_with_one_content_are_one_image(site: MakeSite, encoded: list[str]) -> None:
    folder = site("").write("posts/a.md", post(body="![x](a.jpg) ![y](b.jpg)\n"))
    folder.write("posts/a.jpg", jpeg(300, 200)).write("posts/b.jpg", jpeg(300, 200)).built()
    assert len(encoded) == 2


def test_what_is_published_needs_no_cache_of_images(site: MakeSite, encoded: list[str]) -> None:
    import shutil

    folder = shown(site, "photo.jpg", jpeg())
    before = folder.output()
    shutil.rmtree(folder.root / ".octavo/images")
    encoded.clear()
    folder.replace("posts/a.md", "An image", "Another")
    folder.built()
    assert encoded == []
    shutil.rmtree(folder.root / ".octavo")
    shutil.rmtree(folder.root / "output")
    folder.replace("posts/a.md", "Another", "An image")
    folder.built()
    assert len(encoded) == 6
    assert folder.output() == before


def test_an_image_that_was_altered_in_the_output_is_put_back(site: MakeSite, encoded: list[str]) -> None:
    folder = shown(site, "photo.jpg", jpeg())
    before = folder.output()
    encoded.clear()
    path = next(path for path in before if path.startswith(IMAGES))
    (folder.root / "output" / path).write_bytes(b"altered")
    folder.built()
    assert folder.output() == before
    assert encoded == []


def test_a_damaged_image_in_the_cache_is_made_again(site: MakeSite, encoded: list[str]) -> None:
    folder = shown(site, "photo.jpg", jpeg())
    before = folder.output()
    encoded.clear()
    for kept in (folder.root / ".octavo/images").glob("*/*"):
        kept.write_bytes(kept.read_bytes()[:-3] + b"xxx")
    for path in before:
        if path.startswith(IMAGES):
            (folder.root / "output" / path).unlink()
    folder.built()
    assert folder.output() == before
    assert len(encoded) == 6


@pytest.mark.parametrize("url", ["/posts/a/more.html", "/.git/hooks/pre-push", "/../../canary.txt"])
def test_what_is_kept_of_an_image_publishes_nothing_but_that(site: MakeSite, encoded: list[str], url: str) -> None:
    folder = shown(site, "photo.jpg", jpeg())
    before = folder.output()
    for kept in (folder.root / ".octavo/images").glob("*/*"):
        kept.write_bytes(pack_variants({**unpack_variants(kept.read_bytes()), url: b"#!/bin/sh\n"}))
    for path in before:
        if path.startswith(IMAGES):
            (folder.root / "output" / path).unlink()
    folder.built()
    assert folder.output() == before


@pytest.mark.parametrize("line", [b"", b"[]x", b"[1]", b'[["/a", "00", 1]]', b"[" * 100_000, b'[["/a", 1, 1]]'])
def test_a_heading_that_is_none_is_damaged(line: bytes) -> None:
    with pytest.raises(ValueError):
        read_heading(line)


def clean(folder: SiteFolder, tmp_path: Path) -> dict[str, bytes]:
    """What a build from nothing makes of the same sources."""
    import shutil

    other = tmp_path / "clean"
    shutil.rmtree(other, ignore_errors=True)
    ignored = shutil.ignore_patterns(".octavo", "output")
    shutil.copytree(folder.root, other, ignore=ignored)
    again = SiteFolder(other)
    again.built(allow_broken_links=True)
    return again.output()


def test_after_any_edit_the_site_is_that_of_a_clean_build(site: MakeSite, tmp_path: Path) -> None:
    folder = site("").write("posts/a/index.md", post(body="![x](one.jpg) ![y](two.png)\n", image="one.jpg"))
    folder.write("posts/b.md", post("B", body="![x](a/two.png)\n", image="/assets/three.jpg"))
    folder.write("posts/a/one.jpg", jpeg(120, 80)).write("posts/a/two.png", saved(scene(110, 70), "PNG"))
    folder.write("assets/three.jpg", jpeg(130, 90))
    folder.replace("pyproject.toml", "[tool.octavo]\n", "[tool.octavo]\nimages = { widths = [100, 200] }\n")
    one, two = (folder.root / "posts/a/one.jpg").read_bytes(), (folder.root / "posts/a/two.png").read_bytes()
    edits: list[Callable[[], object]] = [
        lambda: None,
        lambda: folder.write("posts/a/one.jpg", jpeg(140, 80)),
        lambda: folder.write("posts/a/one.jpg", two).write("posts/a/two.png", one),
        lambda: folder.delete("posts/a/two.png"),
        lambda: folder.write("posts/a/two.png", b"no image"),
        lambda: folder.write("posts/a/two.png", two),
        lambda: folder.replace("posts/b.md", "![x](a/two.png)", "[x](a/two.png)"),
        lambda: folder.replace("pyproject.toml", "[100, 200]", "[60, 100]"),
        lambda: folder.replace("posts/a/index.md", "image: one.jpg\n", ""),
        lambda: folder.delete("assets/three.jpg"),
        lambda: folder.replace("pyproject.toml", "widths", "formats = [], widths"),
    ]
    for edit in edits:
        edit()
        folder.built(allow_broken_links=True)
        assert folder.output() == clean(folder, tmp_path)


def test_processes_make_the_same_images(site: MakeSite, tmp_path: Path) -> None:
    folder = site("")
    body = "".join(f"![x]({number}.jpg)\n" for number in range(6))
    folder.write("posts/a.md", post(body=body))
    for number in range(6):
        folder.write(f"posts/{number}.jpg", jpeg(200 + number, 100))
    folder.built(jobs=2)
    assert folder.output() == clean(folder, tmp_path)


def test_where_avif_cannot_be_written_there_is_webp_and_one_warning(
    site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "writable_formats", lambda: ("webp", "jpeg"))
    folder = shown(site, "photo.jpg", jpeg(300, 200))
    assert set(images(folder)) == {"300.webp"}
    assert places(folder.built().problems) == ["pyproject.toml: image"]


# Covers.


def test_the_cover_is_shown_first_and_with_links_to_the_post(site: MakeSite) -> None:
    folder = site("").write("posts/a.md", post(image="c.jpg", image_alt="A cover", body="![x](c.jpg)\n"))
    folder.write("posts/c.jpg", jpeg(2400, 1600)).write("posts/b.md", post("B")).built()
    page = folder.page("/posts/a/")
    cover = re.search(r'<figure class="cover"><picture>.*?(<img[^>]*>)</picture></figure>', page)
    assert cover is not None
    assert 'fetchpriority="high"' in cover[1] and 'alt="A cover"' in cover[1] and "loading" not in cover[1]
    social = "https://test.example/assets/images/"
    assert re.search(rf'<meta property="og:image" content="{social}[0-9a-f]+-1200\.jpg">', page)
    assert '<meta property="og:image:width" content="1200">' in page
    assert '<meta property="og:image:height" content="800">' in page
    assert '<meta property="og:image:alt" content="A cover">' in page
    assert '"@type":"ImageObject"' in page.replace(" ", "") or '"@type": "ImageObject"' in page
    made = images(folder)["1200.jpg"]
    with Image.open(io.BytesIO(made)) as image:
        assert (image.format, image.size) == ("JPEG", (1200, 800))
    assert '<a class="thumb" href="/posts/a/"' in folder.page("/")


def test_only_the_first_image_of_a_page_is_not_loaded_late(site: MakeSite) -> None:
    folder = site("").write("posts/a.md", post(body="![x](a.jpg)\n\n![y](b.jpg)\n"))
    folder.write("posts/b.md", post("B", image="a.jpg", body="![x](a.jpg)\n"))
    folder.write("posts/a.jpg", jpeg(100, 80)).write("posts/b.jpg", jpeg(110, 80)).built()

    def late(url: str) -> list[bool]:
        main = folder.page(url).partition('<div class="prose">')[0::2]
        own = main[0] + main[1].partition("</article>")[0]
        return ['loading="lazy"' in each for each in re.findall(r"<img[^>]*>", own)]

    assert late("/posts/a/") == [False, True]
    assert late("/posts/b/") == [False, True]


def test_a_cover_from_elsewhere_is_left_where_it_is(site: MakeSite) -> None:
    folder = site("").write("posts/a.md", post(image="https://a.example/c.jpg"))
    folder.built()
    page = folder.page("/posts/a/")
    assert '<figure class="cover"><img src="https://a.example/c.jpg" alt="" fetchpriority="high"' in page
    assert '<meta property="og:image" content="https://a.example/c.jpg">' in page
    assert "og:image:width" not in page


def test_another_cover_renders_the_pages_that_show_it(site: MakeSite) -> None:
    folder = site("").write("posts/a.md", post(image="c.jpg")).write("posts/c.jpg", jpeg(300, 200))
    folder.write("posts/b.md", post("B", "2026-02-01")).built()
    folder.write("posts/c.jpg", jpeg(300, 210))
    rendered = set(folder.built().rendered)
    assert {"/posts/a/", "/"} <= rendered
    assert "/archive/" not in rendered


def test_the_parts_of_pillow_that_are_looked_for_are_called_so() -> None:
    for part in (*probe.FORMAT_PARTS, "_imagingft", "_imagingcms"):
        assert find_spec(f"PIL.{part}"), part
