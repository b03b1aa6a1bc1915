"""`toolkit app`: finds the studio that ships with the toolkit and starts it. Knows nothing of what it shows."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Annotated

import typer

from toolkit.core import MissingExtraError, ToolkitError
from toolkit.core.places import shipped

_PACKAGE = "toolkit_apps"


def command(
    host: Annotated[str, typer.Option(help="The address to listen on.", metavar="HOST")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535, metavar="PORT")] = 7860,
    password: Annotated[
        str | None,
        typer.Option(
            help="What visitors must say; needed for any address but this machine's own.",
            metavar="WORD",
            envvar="TOOLKIT_PASSWORD",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Everything stays on this machine. A password in TOOLKIT_PASSWORD is seen by nobody who lists processes."""
    if importlib.util.find_spec("gradio") is None:
        raise MissingExtraError("the studio", "app")
    studio().main(host, port, password)


def studio() -> ModuleType:
    """The module apps/studio.py, from a checkout or from inside a wheel."""
    folder = shipped("apps")
    if not (folder / "studio.py").is_file():
        raise ToolkitError(f"the studio does not come with this installation: {folder} has no studio.py.")
    if _PACKAGE not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            _PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise ToolkitError(f"the studio in {folder} cannot be loaded.")
        package = importlib.util.module_from_spec(spec)
        sys.modules[_PACKAGE] = package
        spec.loader.exec_module(package)
    return importlib.import_module(f"{_PACKAGE}.studio")
