"""The generated pages of the documentation: `python -m tools.docs` writes them."""

from pathlib import Path

from ganad_tf.cli.options import SETTING_FLAGS
from ganad_tf.config.describe import describe_default
from ganad_tf.config.run_config import SECTIONS, SETTINGS, RunConfig
from ganad_tf.system.files import write_text

DOCS = Path(__file__).parents[1] / "docs"
INTRODUCTION = """\
# Settings

*This page is generated from `ganad_tf/config/schema.py` by `python -m tools.docs`.*

A setting can be given in a TOML file (`ganad-tf train --config config.toml`), in Python
(`RunConfig(data=DataConfig(dataset="cifar10"))`) and, where the tables name one, by a flag. Flags
win over the file. `ganad-tf init` writes a file with all settings, their descriptions and their
defaults.

A setting that is not given takes the default of the data set or, if `data.tile` is set, that of
tiles. The tables show the plain default first, and those that differ from it in parentheses.
"""
HEADER = "| setting | values | default | description |\n|---|---|---|---|\n"


def settings_page() -> str:
    """Return the page that describes all settings, as Markdown."""
    flags = {path: f"--{flag}" for flag, path in SETTING_FLAGS.items()}
    parts = [INTRODUCTION]
    for name, section in (("", RunConfig), *SECTIONS.items()):
        rows = [
            f"| `{setting.name}`{f' `{flags[path]}`' if path in flags else ''} "
            f"| {setting.values} | {describe_default(setting)} | {setting.description} |\n"
            for path, setting in SETTINGS.items()
            if setting.section == name
        ]
        title = f"[{name}]" if name else "Outside of sections"
        summary = (section.__doc__ or "").partition("\n")[0]
        parts.append(f"\n## {title}\n\n{summary}\n\n{HEADER}{''.join(rows)}")
    return "".join(parts)


PAGES = {"settings.md": settings_page}
"""The function that makes each page, by its file in docs/."""


def main() -> None:
    """Write all generated pages."""
    for name, make_page in PAGES.items():
        write_text(DOCS / name, make_page())


if __name__ == "__main__":
    main()
