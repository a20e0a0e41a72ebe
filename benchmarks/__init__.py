"""What a build, a preview and lists of related posts cost, beside other generators and other versions of Octavo.

A script is run by its path or as a module: ``python benchmarks/run.py``, ``python -m benchmarks.run``. Run by its path,
it puts the top of the repository where Python has put the script's own folder, at the start of the search path. So
every module has one name either way, ``benchmarks.…``, and none hides another one from a library.
"""
