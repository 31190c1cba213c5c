"""`kubectl cluster-info dump -A -o yaml --output-directory=D`."""

from __future__ import annotations

from tests.layouts import cluster_info_dump
from tests.layouts.convert import to_yaml
from tests.layouts.dump import Dump, Files

NAME = cluster_info_dump.NAME


def render(dump: Dump) -> Files:
    return cluster_info_dump.render(dump, "yaml", to_yaml)
