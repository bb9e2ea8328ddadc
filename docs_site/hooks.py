"""What the site makes of plain Markdown that a forge shows as it stands."""

import re
import textwrap
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

# A request with curl (or the first language there is), and the same in others, folded away.
_FENCE = r"```(\w+)\n(?:(?!```).*\n)*```\n"
_FOLDED = r"\n<details><summary>([\w ]+)</summary>\n\n((?:(?!</details>).*\n)*)\n</details>\n"
_IN_LANGUAGES = re.compile(rf"^({_FENCE})((?:{_FOLDED})+)", re.MULTILINE)
_NAMES = {"sh": "curl", "python": "Python"}


def on_files(files: Files, config: Any) -> Files:
    """The changelog stands at the top of the repository, where people look for it."""
    text = Path(config.config_file_path).with_name("CHANGELOG.md").read_text()
    files.append(File.generated(config, "changelog.md", content=text.replace("](docs/", "](")))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Tabs of a request in several languages."""
    return _IN_LANGUAGES.sub(_tabs, markdown)


def _tabs(found: re.Match[str]) -> str:
    first, language, others = found.group(1, 2, 3)
    forms = [(_NAMES.get(language, language), first), *re.findall(_FOLDED, others)]
    return "\n".join(f'=== "{name}"\n\n{textwrap.indent(code, "    ")}' for name, code in forms)
