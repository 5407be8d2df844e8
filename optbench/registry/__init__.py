"""The catalogue of plugins: found, validated, named, and checked against what the user wrote."""

from optbench.api.factories import resolve_factory
from optbench.api.options import check_options
from optbench.api.plugins import missing_library
from optbench.registry.catalogue import Broken, Catalogue, PluginInfo, Registered
from optbench.registry.discovery import build_catalogue, installed_names, load_catalogue
from optbench.registry.files import import_file
from optbench.registry.kinds import KINDS
from optbench.registry.requirements import Meeting, meet, missing_features
from optbench.registry.resolving import (
    NamedPlugin,
    fill_in,
    named_factories,
    named_plugins,
    parse_text,
    resolve,
    resolve_recipe,
)
from optbench.registry.sources import source_hash
from optbench.registry.spelling import brief_call, default_options, telling_options

__all__ = [
    "KINDS",
    "Broken",
    "Catalogue",
    "Meeting",
    "NamedPlugin",
    "PluginInfo",
    "Registered",
    "brief_call",
    "build_catalogue",
    "check_options",
    "default_options",
    "fill_in",
    "import_file",
    "installed_names",
    "load_catalogue",
    "meet",
    "missing_features",
    "missing_library",
    "named_factories",
    "named_plugins",
    "parse_text",
    "resolve",
    "resolve_factory",
    "resolve_recipe",
    "source_hash",
    "telling_options",
]
