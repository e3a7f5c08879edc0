"""The layout of docs/architecture.md: imports go one way, and each library is imported by one module."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "driftcheck"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "_version.py")

LAYERS = {
    "paths": 0,
    "budget": 0,
    "environment": 0,
    "alignment": 0,
    "globs": 1,
    "errors": 1,
    "model": 2,
    "strict_json": 3,
    "rules": 3,
    "fields": 3,
    "explanations": 5,
    "redaction": 4,
    "yamlfile": 4,
    "ignores": 5,
    "declarations": 5,
    "live": 5,
    "comparison": 5,
    "formats": 6,
    "history": 5,
    "plan": 5,
    "notify": 5,
    "policies": 6,
    "settings": 6,
    "baseline": 7,
    "outcomes": 7,
    "sides": 8,
    "pipeline": 8,
    "targets": 9,
    "cli": 10,
    "__main__": 11,
}
DOORS = {
    "yaml": {"yamlfile"},
    "jsonschema": {"declarations"},
    "jsonschema_rs": {"declarations"},
    "deepdiff": {"comparison"},
    "httpx": {"live"},
    "certifi": {"live"},
    "tenacity": {"live"},
    "starlette": {"live"},
    "uvicorn": {"live"},
    "jinja2": {"formats"},
    "markupsafe": {"formats"},
    "sqlalchemy": {"history"},
    "apprise": {"notify"},
    "click": {"cli"},
}
"""Which layer may import which library; each library is imported by one module (click and yaml by one folder each)."""


def layer_of(module: Path) -> str:
    first = module.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@cache
def nodes(module: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(module.read_text(encoding="utf-8"))))


@cache
def imports(module: Path) -> set[str]:
    names = set()
    for node in nodes(module):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def own_imports(module: Path) -> set[str]:
    found = set()
    for name in imports(module):
        parts = name.split(".")
        if parts[0] == "driftcheck" and len(parts) > 1 and parts[1] in LAYERS:
            found.add(parts[1])
    return found


def test_imports_go_one_way() -> None:
    for module in MODULES:
        layer = layer_of(module)
        for other in own_imports(module) - {layer}:
            assert layer == "__init__" or LAYERS[other] < LAYERS[layer], f"{module} may not import {other}"


def test_every_module_has_its_layer() -> None:
    assert {layer_of(module) for module in MODULES} - {"__init__"} == LAYERS.keys()


def test_every_library_has_one_door() -> None:
    doors: dict[str, set[Path]] = {}
    for module in MODULES:
        for name in imports(module):
            root = name.split(".")[0]
            if root not in sys.stdlib_module_names and root != "driftcheck":
                doors.setdefault(root, set()).add(module)
    assert doors.keys() <= DOORS.keys()
    for library, modules in doors.items():
        assert {layer_of(module) for module in modules} <= DOORS[library], library
        if library not in ("click", "yaml"):
            assert len(modules) == 1, (library, modules)


HOMES: dict[str, set[str]] = {
    "print": set(),
    "open": {"cli/outputs.py", "cli/console.py", "declarations/discovery.py", "live/snapshot.py"},
    "input": set(),
    "eval": set(),
    "exec": set(),
}
"""Functions with side effects, and the modules that may call them."""


def test_side_effects_have_homes() -> None:
    for module in MODULES:
        functions = [node.func for node in nodes(module) if isinstance(node, ast.Call)]
        called = {function.id for function in functions if isinstance(function, ast.Name)}
        for name in called & HOMES.keys():
            assert str(module.relative_to(PACKAGE)) in HOMES[name], (module, name)


def test_nothing_is_asserted_in_the_package() -> None:
    """X7: `python -O` drops assertions."""
    for module in MODULES:
        assert not any(isinstance(node, ast.Assert) for node in nodes(module)), module


def loaded_by(*arguments: str) -> set[str]:
    program = (
        "import sys\n"
        "from driftcheck.cli.main import main\n"
        "main(sys.argv[1:])\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return {name for name in result.stderr.split("\n")[-2].split() if not name.startswith("_")}


def third_party(names: set[str]) -> set[str]:
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    known = {name.split(".")[0] for name in bare.stdout.split()}
    return names - set(sys.stdlib_module_names) - known - {"driftcheck"}


def test_help_loads_click_and_the_standard_library_alone() -> None:
    assert third_party(loaded_by("--help")) == {"click"}


def test_schema_loads_nothing_more_than_help() -> None:
    assert third_party(loaded_by("schema", "report")) == {"click"}
