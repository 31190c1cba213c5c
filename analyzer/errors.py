"""The four errors a user can cause.

    AnalyzerError
    ├── UsageError       the command line is wrong                            exit 2
    ├── BundleError      the bundle cannot be opened, or exceeds a limit      exit 3
    └── DefinitionError  a grammar, layout or rule file is wrong              exit 4

Anything else that is raised is a bug of ours.
"""

from __future__ import annotations


class AnalyzerError(Exception):
    """A mistake outside this program that ends the run with one clear line."""

    exit_code = 1


class UsageError(AnalyzerError):
    """The command line cannot be carried out as given."""

    exit_code = 2


class BundleError(AnalyzerError):
    """A bundle cannot be opened, or it exceeds a limit (the message names the limit and its flag)."""

    exit_code = 3


class DefinitionError(AnalyzerError):
    """A grammar, layout or rule file is wrong.

    `path` and `line` (1-based, 0 if unknown) say where; `hint` is a "did you mean", or empty.
    """

    exit_code = 4

    def __init__(self, path: str, line: int, message: str, hint: str = "") -> None:
        self.path, self.line, self.message, self.hint = path, line, message, hint
        where = f"{path}:{line}" if line else path
        super().__init__(f"{where}: {message}" + (f"; did you mean {hint!r}?" if hint else ""))
