"""Every artifact under a name that says nothing: a folder for each node, and one for what kubectl printed."""

from __future__ import annotations

import random

from tests.layouts.convert import listed, text, timed, to_json
from tests.layouts.dump import Dump, Files
from tests.layouts.pasted import COMMANDS, LISTS

NAME = "files"


def render(dump: Dump) -> Files:
    names = [f"a{number:03}.txt" for number in range(1, 400)]
    random.Random(7).shuffle(names)
    files: Files = {}
    for node in dump.nodes:
        for source in COMMANDS.values():
            if source != "hostname.txt" and (output := dump.node(node, source)) is not None:
                files[f"case 00123456/{node}/{names.pop()}"] = text(output)
    for kind in LISTS.values():
        if dump.collected(kind):
            files[f"case 00123456/{names.pop()}"] = to_json(listed(dump.objects(kind), kind))
    # nothing but the name of its file tells whose a log is
    for log in dump.logs():
        name = f"{log.namespace}_{log.pod}_{log.container}{'.previous' if log.previous else ''}.log"
        files[f"case 00123456/{name}"] = timed(log)
    return files
