"""Kernels that execute pages are spoken to through files instead of ports.

Pages are executed by several processes at once. A port that one of them finds free may be taken by
the time its kernel asks for it ("Address already in use"), and then the build ends.
"""

import os
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from sphinx.application import Sphinx

# The path of a socket, which ends with its number, has at most 107 bytes.
LONGEST = 100


def setup(app: Sphinx) -> dict[str, bool]:
    """Before pages are read, where there are such files."""
    if os.name == "posix":
        app.connect("builder-inited", use_files)
    return {"parallel_read_safe": True}


def use_files(app: Sphinx) -> None:
    """Of each kernel that nbclient starts from now on, in a folder that ends with the build."""
    from nbclient import NotebookClient

    folder, create = TemporaryDirectory(prefix="k"), NotebookClient.create_kernel_manager
    app.connect("build-finished", lambda app, exception: folder.cleanup())

    def created(client: NotebookClient) -> Any:
        manager, path = create(client), f"{folder.name}/{uuid4().hex[:8]}"
        if len(os.fsencode(path)) < LONGEST:
            manager.transport, manager.ip = "ipc", path
        return manager

    NotebookClient.create_kernel_manager = created
