"""Puts the served models into the wheel; everything else about the package stands in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SERVED = ("universal", "examples")
"""What an installed service needs: the meta-classifier and the examples. The zoos stay in the repository."""


class BuildWithModels(build_py):
    """Copies `models/NAME` to `probe_sandwich/models/NAME`; an editable install reads `models/` where it lies."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for name in SERVED:
            source, target = Path("models") / name, Path(self.build_lib) / "probe_sandwich" / "models" / name
            shutil.copytree(source, target, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithModels})
