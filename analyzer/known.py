"""Whether a bundle holds anything at all that can be analysed: a report about nothing would read as healthy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analyzer.bundle import Bundle
from analyzer.errors import BundleError
from analyzer.recognise import Recognition


def require_known(bundle: Bundle, recognition: Recognition, paths: Sequence[Path]) -> None:
    """BundleError, with the reason, if no file of the bundle is understood."""
    if recognition.artifacts:
        return
    number = f"{len(bundle.members):,} file{'' if len(bundle.members) == 1 else 's'}"
    named = [note for note in bundle.notes if "named like an archive" in note.text]
    if recognition.failed:
        path, _, message = recognition.failed[0]
        why = f"no output in it ({number}), as {path}: {message}"
    elif named:
        why = f"{named[0].text}, and its content is not known either"
    elif recognition.unrecognised:
        path, reason = recognition.unrecognised[0]
        why = f"nothing in it is known ({number}, the first is {path}: {reason})"
    else:
        why = f"nothing in it tells of a network ({number})"
    # A cut archive is why there is so little: that is said first.
    cut = next((note.text for note in bundle.notes if "cut off" in note.text or "damaged" in note.text), "")
    why = f"{cut}; {why}" if cut else why
    shown = " ".join(str(path) for path in paths)
    raise BundleError(f"{shown}: {why}; `hairpin files {shown}` tells of each")
