"""Print the lowest version of each dependency that pyproject.toml allows, for pip."""

import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
for requirement in project["dependencies"]:
    print(requirement.replace(">=", "=="))
# Typer's lowest version imports a name that Click 8.5 deprecates.
print("click==8.1.8")
