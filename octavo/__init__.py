"""Octavo: a static site generator for articles and the posts related to them.

The layers, lowest first. A module imports from lower layers only; within a layer only where it is *together*, and
there without circles. ``tests/test_layers.py`` reads this table and holds the imports against it.

    0 values    together  digest       one canonical fingerprint of an immutable value
                          names        names of files, folders and states that several modules share
                          diagnostic   a problem: path, line, column, severity, message, hint
                          lazy_mapping  a mapping whose values are made when they are asked for
                          state        what tells that a file has not been changed
                          regular_file  a regular file, opened without following a link
                          slug         text as one segment of a URL
                          spare        memory that is free, given back
                          shortage     what the machine has run out of, which is nobody's fault
                          source       bytes as the text that an author sees
                          toml_positions  TOML as its author sees it: where things stand
                          validation   kinds of values: typed, or what is wrong with them
    1 engine    together  codec        values as bytes, and back into frozen types
                          facts        questions, answers, and what was asked
                          observe      what goes on in a build, for whoever wants to see it
                          traces       what the last runs of a step asked and came to, in chunks
                          database     a SQLite file of the cache, opened as a stranger's
                          store        traces and values of earlier builds, in one SQLite file
                          buckets      many values by name, read and written in parts
                          revised      values that know since when they are what they are
                          answers      what each question was answered with, and since when
                          batch        a step run on a batch of items, here or in another process
                          dispatch     stale items run here, in copies of this process, or elsewhere
                          memo         a step run only where an answer changed
    2 model     together  model        the nouns, all frozen
                          queries      every question a step may ask
                          urls         URL patterns and addresses; from a URL to an href and to a file
    3 output    together  publish_errors  what keeps a site from being published, in words
                          paths        the check that every output path goes through
                          output_files  the files of an output folder, without following a link
                          staging      where changed files wait
                          written_list  the list in the output folder of what was written
                          manifest     what was written, and how it lay on the disk
                          journal      the sweep, written down before it begins; recovery
                          publish      the plan and the run
    4 reading   together  frontmatter  a strict front matter, every value at its place
                          yaml_errors  faults of YAML in plain words
                          yaml_values  what YAML's values are to the kinds of values
                          meta_kinds   the kinds of values in front matter
                          schema       front matter, typed
                          terms        the counted words of a post
                          wording      shared terms as their authors write them
                          sentences    the sentences of a source, each at its place
                          spelling     how a post writes its words
                          vectors      posts as vectors of weighted terms
                          nearest      for every post, those with the best scores
                          reach        lists of which some leads to every post
                          reasons      the terms that carried a score
                          offers       related posts as readers are told of them
                          markdown     a body -> its HTML and all that the site asks of it
                          dialect      the parser of the Markdown that posts are written in
                          rules        the parser's rules, tried only where they can match
                          writer       Markdown's tokens as HTML
                          highlight    code as HTML
                          lexing       Pygments' lexers, run in a tight loop
                          inline       inline tokens as text and as plain HTML
                          excerpt      the beginning of a body, and the time to read it
                          anchors      the ids of a body
                          address      where an address in a body leads
                          place        where something in a body stands in its file
                          findings     the faults and the addresses of a body
                          rawhtml      raw HTML, read as a browser does, and put in balance
                          fragments    raw HTML by the site's policy
                          sanitize     what is harmless of a body
                          shortcodes   colon fences as calls of build.py
                          svg          what an SVG says of itself
                          raster       what any other image says of itself
                          pictures     the sizes and formats of an image, and its element
                          glyphs       the characters that a font has
                          cards        the picture that stands for a post without an image
                          shown        the images of one page
                          encoder      an image in other sizes and formats
                          drawing      the picture of a card
                          minify       a style sheet in fewer bytes
                          compress     a file in fewer bytes
                          compressed_copies  compressed copies beside the files of a site
                          policy       a content security policy for what pages do
                          alike        what of a layout is alike on all pages
                          layouts      Jinja2 as Octavo uses it
                          faults       what went wrong in a layout, and where
    5 steps     apart     parse        a source -> Document
                          related      posts -> the posts most like each, with reasons
                          render       a Page -> Output
                          images       an image -> what is known of it, and its variants
                          lint         a layout -> what is wrong with it
    6 assembly  together  live         which documents are published, and what others may know of them
                          naming       posts by what authors call them
                          wishes       what authors wish of related posts, and what is wrong with it
                          routes       which pages exist, and where
                          site         documents -> Facts
                          published    what is published, and a digest that stands for it
                          assets       assets under names that change with their content
                          insight      what an author may want to know of the site as a whole
                          briefing     what was found of it, in words and as JSON
                          checks       links, anchors, clashes
                          declare      what build.py declares
                          script       build.py as source, and what it imports
                          extend       what build.py adds
                          pipeline     the build, a straight line
                          ondemand     one image, made when it is asked for
    7 shell     apart     config       settings from pyproject.toml
                          disk         files and the stat cache
                          lock         one command at a time
                          outlet       where output may be
                          workers      processes
                          cluster      workers of a Dask cluster
                          gallery      images that were made
                          stamp        the short way when nothing changed
                          salt         what stands for the code itself
                          progress     how far a long step has come, on a terminal
                          profile      where the time of a build went
                          watch        changes of files, settled
                          editor       the author's editor, opened at a line
    8 command   together  sources      every file a site is made from
                          cache_folder  what may be in the cache folder, and where it is
                          build_report  what a build reports
                          cache        the cache of a site, opened
                          build        one build of a site
                          project      a site's folder, opened for work
                          failures     what keeps a command from being done, in words and as a status
                          rebuild      builds that follow the files
                          problems     what is wrong with the site at one moment
                          view         the site at one moment, as a whole
                          saved        what was saved since, shown at once
                          relating     related posts, worked out in another process
                          desk         the site as it is while it is written, a page at a time
                          timers       when the preview does what: deadlines, the loop, refreshes of the site
                          shelf        what a browser is served of the site, and how
                          messages     what the preview and a browser's tabs say to each other
                          serve        the preview's server
                          about        what an author wants to know of a page
                          complaints   what is wrong, as it is reported to the author
                          preview      the site, served while it is written
                          commands     what each command does
                          arguments    what the command line may say
                          run          one command, run to its end
                          cli          arguments in, exit status out
                          entry        Site(__file__), for a build.py
                          __main__     python -m octavo
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from octavo.diagnostic import Diagnostic, Span, error, warning
    from octavo.entry import Site
    from octavo.facts import Ask
    from octavo.model import Page, Table
    from octavo.queries import AllPosts, BodyOf, File, Grouped, Groups, PostAt, PostPaths, Setting

__all__ = [
    "AllPosts",
    "Ask",
    "BodyOf",
    "Diagnostic",
    "File",
    "Grouped",
    "Groups",
    "Page",
    "PostAt",
    "PostPaths",
    "Setting",
    "Site",
    "Span",
    "Table",
    "error",
    "warning",
]

_HOMES = {
    "octavo.diagnostic": ("Diagnostic", "Span", "error", "warning"),
    "octavo.entry": ("Site",),
    "octavo.facts": ("Ask",),
    "octavo.model": ("Page", "Table"),
    "octavo.queries": ("AllPosts", "BodyOf", "File", "Grouped", "Groups", "PostAt", "PostPaths", "Setting"),
}


def __getattr__(name: str) -> Any:
    """What build.py may import, found when it is asked for: a command that needs none of it starts at once."""
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            return getattr(import_module(home), name)
    raise AttributeError(f"module 'octavo' has no attribute {name!r}")
